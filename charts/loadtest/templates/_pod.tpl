{{/* What every pod is beside its containers. Only what judges a run may ask the API server, and only where it records. */}}
{{- define "carpal-loadtest.pod" -}}
serviceAccountName: {{ include "carpal-loadtest.serviceAccountName" . }}
automountServiceAccountToken: {{ and .Values.watch.enabled (eq (.role | default "") "load") }}
enableServiceLinks: false
restartPolicy: Never
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: tmp
    emptyDir: {}
  - name: scripts
    configMap: {name: {{ include "carpal-loadtest.runName" . }}}
  {{- if eq (.role | default "") "load" }}
  - name: report
    {{- if .Values.report.claimName }}
    persistentVolumeClaim: {claimName: {{ .Values.report.claimName }}}
    {{- else }}
    emptyDir: {}
    {{- end }}
  {{- end }}
  {{- with .Values.volumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* A container that runs a script of the ConfigMap; .name is load or worker, and only the first keeps a report. */}}
{{- define "carpal-loadtest.container" -}}
- name: {{ .name }}
  image: {{ include "carpal-loadtest.image" .root | quote }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  command: [sh, /etc/carpal/{{ .script }}]
  env:
    - {name: RUN, value: {{ include "carpal-loadtest.runName" .root }}}
    {{- if eq .name "load" }}
    {{- with .root.Values.report }}
    {{- with .endpoint }}
    - {name: AWS_ENDPOINT_URL_S3, value: {{ . | quote }}}
    {{- end }}
    {{- with .region }}
    - {name: AWS_DEFAULT_REGION, value: {{ . | quote }}}
    {{- end }}
    {{- $secret := .secretName }}
    {{- range ternary (list "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY") list (not (empty $secret)) }}
    - name: {{ . }}
      valueFrom: {secretKeyRef: {name: {{ $secret }}, key: {{ . }}}}
    {{- end }}
    {{- end }}
    {{- end }}
  resources:
    {{- toYaml .root.Values.resources | nindent 4 }}
  securityContext:
    {{- toYaml .root.Values.securityContext | nindent 4 }}
  volumeMounts:
    - {name: tmp, mountPath: /tmp}
    - {name: scripts, mountPath: /etc/carpal, readOnly: true}
    {{- if eq .name "load" }}
    - {name: report, mountPath: /report}
    {{- end }}
    {{- with .root.Values.volumeMounts }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}
