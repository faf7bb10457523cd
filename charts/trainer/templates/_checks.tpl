{{- define "carpal-trainer.checks" -}}
{{- $problems := list -}}
{{- if not (dig "epochs" "" .Values.recipe) -}}
{{- $problems = append $problems "recipe has no epochs: say how many times it goes through the training images." -}}
{{- end -}}
{{- if dig "workers" "" .Values.recipe -}}
{{- $problems = append $problems "recipe.workers is set, and the pods are workers.replicas: set that." -}}
{{- end -}}
{{- if dig "gpu" "" .Values.recipe -}}
{{- $problems = append $problems "recipe.gpu is set, and the pods' GPUs are workers.gpus: set that." -}}
{{- end -}}
{{- if and .Values.workers.autoscaling (lt (int .Values.workers.maxReplicas) (int .Values.workers.replicas)) -}}
{{- $problems = append $problems "workers.maxReplicas is below workers.replicas: raise the one or lower the other." -}}
{{- end -}}
{{- if and (hasPrefix "/runs/" .Values.package.repository) (not .Values.runs.claimName) (eq .Values.kind "job") -}}
{{- $problems = append $problems "package.repository is a folder of the volume of runs, and runs.claimName is empty, so the package would end with the pod: set runs.claimName, or package.repository to s3://bucket/prefix." -}}
{{- end -}}
{{- if gt (len (include "carpal-trainer.name" .)) 40 -}}
{{- $problems = append $problems "The name of the release is longer than 40 characters: set fullnameOverride." -}}
{{- end -}}
{{- /* Helm's own list of APIs lacks apiregistration, so this asks real clusters only, not helm template. */ -}}
{{- if and (.Capabilities.APIVersions.Has "apiregistration.k8s.io/v1") (not (.Capabilities.APIVersions.Has "ray.io/v1/RayJob")) -}}
{{- $problems = append $problems "This cluster has no ray.io/v1/RayJob, which KubeRay brings: install KubeRay 1.4 or newer." -}}
{{- end -}}
{{- if $problems -}}
{{- fail (printf "\n\n%s\n" (join "\n" $problems)) -}}
{{- end -}}
{{- end -}}
