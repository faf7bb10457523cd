package podautoscaler

// Answers cases with the controller's own functions, unchanged. Compiled into the package by `go build -overlay`.

import (
	"context"
	"fmt"
	"time"

	autoscaling "k8s.io/api/autoscaling/v2"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	metricsclient "k8s.io/kubernetes/pkg/controller/podautoscaler/metrics"
)

type Event struct {
	Age   float64 `json:"age_s"`
	Value int32   `json:"value"`
}

type PolicyIn struct {
	Type   string `json:"type"`
	Value  int32  `json:"value"`
	Period int32  `json:"period_s"`
}

type RulesIn struct {
	Window   int32      `json:"stabilization_s"`
	Select   string     `json:"select"`
	Policies []PolicyIn `json:"policies"`
}

type PodIn struct {
	Started *float64 `json:"started_age_s"`
	Ready   bool     `json:"ready"`
	Changed float64  `json:"changed_age_s"`
	Request int64    `json:"request_milli"`
	Value   *int64   `json:"value_milli"`
	Sample  float64  `json:"sample_age_s"`
	Window  float64  `json:"window_s"`
}

type Case struct {
	Kind            string   `json:"kind"`
	Replicas        int32    `json:"replicas"`
	Desired         int32    `json:"desired"`
	Min             int32    `json:"min"`
	Max             int32    `json:"max"`
	Recommendations []Event  `json:"recommendations"`
	Added           []Event  `json:"added"`
	Removed         []Event  `json:"removed"`
	Up              *RulesIn `json:"up"`
	Down            *RulesIn `json:"down"`
	Target          int64    `json:"target"`
	Total           int64    `json:"total_milli"`
	Pods            []PodIn  `json:"pods"`
	ToleranceUp     float64  `json:"tolerance_up"`
	ToleranceDown   float64  `json:"tolerance_down"`
}

func ago(s float64) time.Time { return time.Now().Add(-time.Duration(s * float64(time.Second))) }

func events(in []Event) []timestampedScaleEvent {
	out := []timestampedScaleEvent{}
	for _, e := range in {
		out = append(out, timestampedScaleEvent{replicaChange: e.Value, timestamp: ago(e.Age)})
	}
	return out
}

func rules(in *RulesIn) *autoscaling.HPAScalingRules {
	selected := autoscaling.ScalingPolicySelect(in.Select)
	out := &autoscaling.HPAScalingRules{StabilizationWindowSeconds: &in.Window, SelectPolicy: &selected}
	for _, p := range in.Policies {
		out.Policies = append(out.Policies, autoscaling.HPAScalingPolicy{Type: autoscaling.HPAScalingPolicyType(p.Type), Value: p.Value, PeriodSeconds: p.Period})
	}
	return out
}

type fixed struct {
	metrics metricsclient.PodMetricsInfo
	total   int64
}

func (f fixed) GetResourceMetric(ctx context.Context, r v1.ResourceName, ns string, s labels.Selector, c string) (metricsclient.PodMetricsInfo, time.Time, error) {
	return f.metrics, time.Now(), nil
}
func (f fixed) GetRawMetric(m string, ns string, s labels.Selector, ms labels.Selector) (metricsclient.PodMetricsInfo, time.Time, error) {
	return f.metrics, time.Now(), nil
}
func (f fixed) GetObjectMetric(m string, ns string, o *autoscaling.CrossVersionObjectReference, ms labels.Selector) (int64, time.Time, error) {
	return 0, time.Now(), nil
}
func (f fixed) GetExternalMetric(m string, ns string, s labels.Selector) ([]int64, time.Time, error) {
	return []int64{f.total}, time.Now(), nil
}

// Answer gives the controller's answer; nil where it has none.
func Answer(c Case) *int32 {
	key := "k"
	a := &HorizontalController{
		downscaleStabilisationWindow: 300 * time.Second,
		recommendations:              map[string][]timestampedRecommendation{},
		scaleUpEvents:                map[string][]timestampedScaleEvent{key: events(c.Added)},
		scaleDownEvents:              map[string][]timestampedScaleEvent{key: events(c.Removed)},
	}
	for _, r := range c.Recommendations {
		a.recommendations[key] = append(a.recommendations[key], timestampedRecommendation{r.Value, ago(r.Age)})
	}
	hpa := &autoscaling.HorizontalPodAutoscaler{Spec: autoscaling.HorizontalPodAutoscalerSpec{MaxReplicas: c.Max}}
	var out int32
	var err error
	switch c.Kind {
	case "plain":
		out = a.normalizeDesiredReplicas(hpa, key, c.Replicas, c.Desired, c.Min)
	case "behavior":
		hpa.Spec.Behavior = &autoscaling.HorizontalPodAutoscalerBehavior{ScaleUp: rules(c.Up), ScaleDown: rules(c.Down)}
		out = a.normalizeDesiredReplicasWithBehaviors(hpa, key, c.Replicas, c.Desired, c.Min)
	default:
		indexer := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
		metrics := metricsclient.PodMetricsInfo{}
		for i, p := range c.Pods {
			name := fmt.Sprintf("p%d", i)
			status := v1.ConditionFalse
			if p.Ready {
				status = v1.ConditionTrue
			}
			pod := &v1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "n"}, Status: v1.PodStatus{Phase: v1.PodPending}}
			pod.Spec.Containers = []v1.Container{{Name: "c", Resources: v1.ResourceRequirements{Requests: v1.ResourceList{v1.ResourceCPU: *resource.NewMilliQuantity(p.Request, resource.DecimalSI)}}}}
			if p.Started != nil {
				started := metav1.NewTime(ago(*p.Started))
				pod.Status.Phase, pod.Status.StartTime = v1.PodRunning, &started
				pod.Status.Conditions = []v1.PodCondition{{Type: v1.PodReady, Status: status, LastTransitionTime: metav1.NewTime(ago(p.Changed))}}
			}
			_ = indexer.Add(pod)
			if p.Value != nil {
				metrics[name] = metricsclient.PodMetric{Value: *p.Value, Timestamp: ago(p.Sample), Window: time.Duration(p.Window * float64(time.Second))}
			}
		}
		calc := NewReplicaCalculator(fixed{metrics, c.Total}, corelisters.NewPodLister(indexer), 300*time.Second, 30*time.Second)
		tolerances := Tolerances{scaleDown: c.ToleranceDown, scaleUp: c.ToleranceUp}
		switch c.Kind {
		case "cpu":
			out, _, _, _, err = calc.GetResourceReplicas(context.TODO(), c.Replicas, int32(c.Target), v1.ResourceCPU, tolerances, "n", labels.Everything(), "")
		case "average":
			out, _, _, err = calc.GetMetricReplicas(c.Replicas, c.Target, "m", tolerances, "n", labels.Everything(), nil)
		case "total":
			out, _, _, err = calc.GetExternalPerPodMetricReplicas(c.Replicas, c.Target, "m", tolerances, "n", &metav1.LabelSelector{})
		}
	}
	if err != nil {
		return nil
	}
	return &out
}
