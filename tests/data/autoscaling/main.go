package main

import (
	"encoding/json"
	"os"

	"k8s.io/kubernetes/pkg/controller/podautoscaler"
)

func main() {
	var cases []podautoscaler.Case
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		panic(err)
	}
	answers := []*int32{}
	for _, c := range cases {
		answers = append(answers, podautoscaler.Answer(c))
	}
	_ = json.NewEncoder(os.Stdout).Encode(answers)
}
