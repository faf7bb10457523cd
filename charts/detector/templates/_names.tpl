{{/* Every name of every object, and the labels, in one place. */}}

{{- define "carpal-detector.name" -}}
{{- .Values.fullnameOverride | default .Release.Name -}}
{{- end -}}

{{- define "carpal-detector.canaryName" -}}
{{- include "carpal-detector.name" . }}-canary
{{- end -}}

{{/* KServe's name for the Deployment, the Service and, by it, the pods of an InferenceService. */}}
{{- define "carpal-detector.predictorName" -}}
{{- .name }}-predictor
{{- end -}}

{{- define "carpal-detector.modelName" -}}
{{- .Values.model.name | default (include "carpal-detector.name" .) -}}
{{- end -}}

{{- define "carpal-detector.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (include "carpal-detector.name" .) -}}
{{- end -}}

{{/* Labels that stay the same for the life of a release: KServe hands an InferenceService's labels to its pods, and a
     label with a version in it would roll every pod at every upgrade. */}}
{{- define "carpal-detector.stableLabels" -}}
app.kubernetes.io/name: carpal-detector
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/part-of: carpal
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "carpal-detector.labels" -}}
{{ include "carpal-detector.stableLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{/* Pods of both tracks. */}}
{{- define "carpal-detector.selector" -}}
app.kubernetes.io/name: carpal-detector
app.kubernetes.io/instance: {{ .Release.Name }}
component: predictor
{{- end -}}

{{/* The name of the class of autoscaler in force. */}}
{{- define "carpal-detector.autoscaler" -}}
{{- .Values.autoscaling.class | default (ternary "kpa" "hpa" (eq .Values.mode "Knative")) -}}
{{- end -}}

{{/* An image by digest where there is one, else by tag: of .tag and .digest, then of the release. */}}
{{- define "carpal-detector.image" -}}
{{- $image := .root.Values.image -}}
{{- if .digest -}}
{{ $image.repository }}@{{ .digest }}
{{- else if .tag -}}
{{ $image.repository }}:{{ .tag }}
{{- else if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default .root.Chart.AppVersion }}
{{- end -}}
{{- end -}}
