{{/* Every name of every object, and the labels, in one place. */}}

{{- define "carpal-trainer.name" -}}
{{- .Values.fullnameOverride | default .Release.Name -}}
{{- end -}}

{{/* Of one run: a RayJob cannot be changed, so that every upgrade makes a new one. */}}
{{- define "carpal-trainer.runName" -}}
{{- include "carpal-trainer.name" . }}-{{ .Release.Revision }}
{{- end -}}

{{- define "carpal-trainer.runFolder" -}}
/runs/{{ .Values.runs.name | default (include "carpal-trainer.runName" .) }}
{{- end -}}

{{- define "carpal-trainer.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (include "carpal-trainer.name" .) -}}
{{- end -}}

{{- define "carpal-trainer.labels" -}}
app.kubernetes.io/name: carpal-trainer
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/part-of: carpal
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "carpal-trainer.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}
