{{/* The service's container. .whole: with what is served, and not only with what a ServingRuntime says for all. */}}
{{- define "carpal-detector.container" -}}
- name: kserve-container
  image: {{ include "carpal-detector.image" . | quote }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  args:
    - serve
    - --host=0.0.0.0
    - --port=8080
    - --grpc-port=8081
    {{- with .root.Values.transformer }}
    {{- if .predictor }}
    - --engine=remote:{{ ternary "grpc" "http" (eq .protocol "grpc-v2") }}://{{ .predictor }}{{ with .model }}/{{ . }}{{ end }}
    - --remote-timeout-s={{ .timeoutSeconds }}
    {{- else }}
    - --engine={{ $.root.Values.server.engine }}
    {{- end }}
    {{- end }}
    - --streams={{ .root.Values.server.streams | default "$(CPU_LIMIT)" }}
    {{- with .root.Values.server.threads }}
    - --threads={{ . }}
    {{- end }}
    {{- with .root.Values.server.batch }}
    - --batch={{ . }}
    {{- end }}
    - --queue={{ .root.Values.server.queue }}
    - --queue-bytes={{ int64 .root.Values.server.queueBytes }}
    {{- with .root.Values.server.deadlineMs }}
    - --deadline-ms={{ toJson . }}
    {{- end }}
    - --max-body-bytes={{ int64 .root.Values.server.maxBodyBytes }}
    - --reload-s={{ .root.Values.server.reloadSeconds }}
    - --linger-s={{ .root.Values.server.lingerSeconds }}
    - --drain-s={{ .root.Values.server.drainSeconds }}
    {{- if .root.Values.model.publicKey.configMapName }}
    - --require-signature=/etc/carpal/{{ .root.Values.model.publicKey.key }}
    {{- end }}
    {{- range .root.Values.server.extraArgs }}
    - {{ . | quote }}
    {{- end }}
    {{- if .whole }}
    {{- include "carpal-detector.modelArgs" . | nindent 4 }}
    {{- end }}
  ports:
    {{- if eq .root.Values.mode "Knative" }}
    - {name: http1, containerPort: 8080, protocol: TCP}
    {{- else }}
    - {name: http, containerPort: 8080, protocol: TCP}
    - {name: grpc, containerPort: 8081, protocol: TCP}
    {{- end }}
  {{- if eq .root.Values.mode "Standard" }}
  startupProbe:
    httpGet: {path: /v2/health/ready, port: 8080}
    periodSeconds: 1
    timeoutSeconds: 2
    failureThreshold: {{ .root.Values.server.startSeconds }}
  {{- end }}
  # A pod that goes says so at once. One that is slow because it is full must stay: with the last one everything is gone.
  readinessProbe:
    httpGet: {path: /v2/health/ready, port: 8080}
    periodSeconds: 2
    timeoutSeconds: 5
    failureThreshold: 3
  livenessProbe:
    httpGet: {path: /v2/health/live, port: 8080}
    periodSeconds: 10
    timeoutSeconds: 5
    failureThreshold: 6
  {{- if eq .root.Values.mode "Standard" }}
  lifecycle:
    preStop:
      sleep: {seconds: {{ .root.Values.server.preStopSeconds }}}
  {{- end }}
  resources:
    {{- include "carpal-detector.resources" .root | nindent 4 }}
  securityContext:
    {{- toYaml .root.Values.securityContext | nindent 4 }}
  {{- if .whole }}
  env:
    {{- include "carpal-detector.env" . | nindent 4 }}
  volumeMounts:
    {{- include "carpal-detector.mounts" . | nindent 4 }}
  {{- end }}
{{- end -}}
