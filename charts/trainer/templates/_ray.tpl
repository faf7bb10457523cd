{{/* A pod of the Ray cluster: .role is head or worker, .options what differs between them. */}}
{{- define "carpal-trainer.pod" -}}
{{- $values := .root.Values -}}
metadata:
  labels:
    {{- include "carpal-trainer.labels" .root | nindent 4 }}
    carpal/role: {{ .role }}
spec:
  serviceAccountName: {{ include "carpal-trainer.serviceAccountName" .root }}
  {{- if not (and (eq .role "head") $values.workers.autoscaling) }}
  automountServiceAccountToken: false
  {{- end }}
  enableServiceLinks: false
  {{- with $values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    {{- toYaml $values.podSecurityContext | nindent 4 }}
  {{- with .nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  volumes:
    - name: tmp
      emptyDir: {}
    - name: shared-memory
      emptyDir: {medium: Memory, sizeLimit: {{ $values.sharedMemory }}}
    - name: run
      configMap: {name: {{ include "carpal-trainer.runName" .root }}}
    - name: runs
      {{- if $values.runs.claimName }}
      persistentVolumeClaim: {claimName: {{ $values.runs.claimName }}}
      {{- else }}
      emptyDir: {}
      {{- end }}
    {{- with $values.data.claimName }}
    - name: data
      persistentVolumeClaim: {claimName: {{ . }}, readOnly: true}
    {{- end }}
    {{- with $values.volumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  containers:
    - name: ray-{{ .role }}
      image: {{ include "carpal-trainer.image" .root | quote }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      env:
        - {name: RAY_USAGE_STATS_ENABLED, value: "0"}
        {{- with $values.storage }}
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
      {{- if eq .role "head" }}
      ports:
        - {name: gcs, containerPort: 6379}
        - {name: dashboard, containerPort: 8265}
        - {name: client, containerPort: 10001}
      {{- end }}
      # Asked over HTTP: KubeRay's own probes need wget in the image.
      {{- $probe := dict "httpGet" (ternary (dict "path" "/api/gcs_healthz" "port" 8265) (dict "path" "/api/local_raylet_healthz" "port" 52365) (eq .role "head")) }}
      readinessProbe:
        {{- toYaml (merge (dict "periodSeconds" 5 "timeoutSeconds" 5 "failureThreshold" 12) $probe) | nindent 8 }}
      livenessProbe:
        {{- toYaml (merge (dict "initialDelaySeconds" 60 "periodSeconds" 10 "timeoutSeconds" 5 "failureThreshold" 12) $probe) | nindent 8 }}
      resources:
        {{- toYaml .resources | nindent 8 }}
      securityContext:
        {{- toYaml $values.securityContext | nindent 8 }}
      volumeMounts:
        - {name: tmp, mountPath: /tmp}
        - {name: shared-memory, mountPath: /dev/shm}
        - {name: run, mountPath: /etc/carpal, readOnly: true}
        - {name: runs, mountPath: /runs}
        {{- if $values.data.claimName }}
        - {name: data, mountPath: /data, readOnly: true}
        {{- end }}
        {{- with $values.volumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
{{- end -}}

{{/* The Ray cluster, of a RayJob or by itself. */}}
{{- define "carpal-trainer.cluster" -}}
{{- $workers := .Values.workers -}}
{{- $resources := deepCopy $workers.resources -}}
{{- if gt (int $workers.gpus) 0 -}}
{{- $_ := set $resources "limits" (merge (dict $workers.gpuResource (toString (int $workers.gpus))) ($resources.limits | default dict)) -}}
{{- end -}}
rayVersion: {{ .Values.image.rayVersion | quote }}
enableInTreeAutoscaling: {{ $workers.autoscaling }}
{{- if $workers.autoscaling }}
# Of the container that KubeRay puts beside the head; it asks for pods with a role that KubeRay binds.
autoscalerOptions:
  resources:
    requests: {cpu: 100m, memory: 512Mi}
    limits: {cpu: 500m, memory: 512Mi}
  securityContext:
    {{- toYaml .Values.securityContext | nindent 4 }}
{{- end }}
headGroupSpec:
  # The head trains nothing, so that what it does for all is not held up.
  rayStartParams: {num-cpus: "0", dashboard-host: 0.0.0.0}
  template:
    {{- include "carpal-trainer.pod" (dict "root" . "role" "head" "resources" .Values.head.resources) | nindent 4 }}
workerGroupSpecs:
  - groupName: workers
    replicas: {{ $workers.replicas }}
    minReplicas: {{ ternary 1 (int $workers.replicas) $workers.autoscaling }}
    maxReplicas: {{ ternary (int $workers.maxReplicas) (int $workers.replicas) $workers.autoscaling }}
    rayStartParams: {}
    template:
      {{- include "carpal-trainer.pod" (dict "root" . "role" "worker" "resources" $resources "nodeSelector" $workers.nodeSelector "tolerations" $workers.tolerations) | nindent 6 }}
{{- end -}}
