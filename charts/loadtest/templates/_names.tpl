{{/* Every name of every object, and the labels, in one place. */}}

{{- define "carpal-loadtest.name" -}}
{{- .Values.fullnameOverride | default .Release.Name -}}
{{- end -}}

{{/* Of one run: a Job cannot be changed, so that every upgrade makes new ones. */}}
{{- define "carpal-loadtest.runName" -}}
{{- include "carpal-loadtest.name" . }}-{{ .Release.Revision }}
{{- end -}}

{{- define "carpal-loadtest.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (include "carpal-loadtest.name" .) -}}
{{- end -}}

{{- define "carpal-loadtest.workersName" -}}
{{- include "carpal-loadtest.runName" . }}-workers
{{- end -}}

{{/* Where the replicas, autoscalers and events are that a run records. */}}
{{- define "carpal-loadtest.watched" -}}
{{- .Values.watch.namespace | default .Release.Namespace -}}
{{- end -}}

{{- define "carpal-loadtest.selector" -}}
app.kubernetes.io/name: carpal-loadtest
app.kubernetes.io/instance: {{ .Release.Name }}
carpal/run: {{ include "carpal-loadtest.runName" . }}
{{- end -}}

{{- define "carpal-loadtest.labels" -}}
{{ include "carpal-loadtest.selector" . }}
app.kubernetes.io/part-of: carpal
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "carpal-loadtest.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The scenario as carpal takes it: the file of the ConfigMap, or a shipped name. */}}
{{- define "carpal-loadtest.scenario" -}}
{{- ternary "/etc/carpal/scenario.yaml" .Values.scenario.name (not (empty .Values.scenario.inline)) -}}
{{- end -}}
