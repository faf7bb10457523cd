{{/* The InferenceServices of a release as YAML: the stable one, and the canary where it is on. What a canary does not
     say for itself is that of the stable one. */}}
{{- define "carpal-detector.tracks" -}}
{{- $stable := dict "track" "stable" "name" (include "carpal-detector.name" .)
      "reference" .Values.model.reference "storageUri" .Values.model.storageUri "tag" "" "digest" ""
      "minReplicas" .Values.autoscaling.minReplicas "maxReplicas" .Values.autoscaling.maxReplicas -}}
{{- $tracks := list $stable -}}
{{- with .Values.canary -}}
{{- if .enabled -}}
{{- $moved := or .reference .storageUri -}}
{{- $canary := dict "track" "canary" "name" (include "carpal-detector.canaryName" $)
      "reference" (ternary .reference $.Values.model.reference (not (empty $moved)))
      "storageUri" (ternary .storageUri $.Values.model.storageUri (not (empty $moved)))
      "tag" .tag "digest" .digest "minReplicas" .minReplicas "maxReplicas" .maxReplicas -}}
{{- $tracks = append $tracks $canary -}}
{{- end -}}
{{- end -}}
{{- toYaml $tracks -}}
{{- end -}}

{{/* The package as carpal serve takes it: what KServe fetched, a reference, or the starter in the image. */}}
{{- define "carpal-detector.package" -}}
{{- if .storageUri -}}
/mnt/models
{{- else -}}
{{- .reference | default "starter" -}}
{{- end -}}
{{- end -}}
