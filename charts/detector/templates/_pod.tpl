{{/* What a pod is beside its container: identity, where it runs, how it ends. Knative refuses some of it unless its
     features are on, and spreads and drains by itself. */}}
{{- define "carpal-detector.pod" -}}
serviceAccountName: {{ include "carpal-detector.serviceAccountName" .root }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if eq .root.Values.mode "Standard" }}
securityContext:
  {{- toYaml .root.Values.podSecurityContext | nindent 2 }}
{{- with .root.Values.server }}
terminationGracePeriodSeconds: {{ add (int .preStopSeconds) (ceil .lingerSeconds) (ceil .drainSeconds) 5 }}
{{- end }}
{{- end }}
{{- with .root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .root.Values.runtimeClassName }}
runtimeClassName: {{ . }}
{{- end }}
{{- with .root.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if and .root.Values.topologySpread.enabled (eq .root.Values.mode "Standard") }}
topologySpreadConstraints:
  {{- range .root.Values.topologySpread.topologyKeys }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: {{ $.root.Values.topologySpread.whenUnsatisfiable }}
    labelSelector:
      matchLabels:
        serving.kserve.io/inferenceservice: {{ $.name }}
  {{- end }}
{{- end }}
volumes:
  - name: tmp
    emptyDir: {}
  - name: cache
    emptyDir: {sizeLimit: {{ .root.Values.storage.cacheSize }}}
  {{- if and .reference (hasPrefix "pvc://" .root.Values.model.repository) }}
  - name: repository
    persistentVolumeClaim:
      claimName: {{ index (splitList "/" (trimPrefix "pvc://" .root.Values.model.repository)) 0 }}
      readOnly: true
  {{- end }}
  {{- with .root.Values.model.publicKey.configMapName }}
  - name: public-key
    configMap: {name: {{ . }}}
  {{- end }}
  {{- with .root.Values.volumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* Where the container finds what the pod brings. */}}
{{- define "carpal-detector.mounts" -}}
- {name: tmp, mountPath: /tmp}
- {name: cache, mountPath: /cache}
{{- if and .reference (hasPrefix "pvc://" .root.Values.model.repository) }}
- {name: repository, mountPath: /mnt/repository, readOnly: true}
{{- end }}
{{- if .root.Values.model.publicKey.configMapName }}
- {name: public-key, mountPath: /etc/carpal, readOnly: true}
{{- end }}
{{- with .root.Values.volumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Options of carpal serve that differ between tracks; the ServingRuntime holds the rest. */}}
{{- define "carpal-detector.modelArgs" -}}
- --model
- {{ include "carpal-detector.package" . | quote }}
- --model-name
- {{ include "carpal-detector.modelName" .root | quote }}
{{- if and .reference (not .storageUri) }}
- --repository
{{- if hasPrefix "pvc://" .root.Values.model.repository }}
- {{ printf "/mnt/repository/%s" (join "/" (rest (splitList "/" (trimPrefix "pvc://" .root.Values.model.repository)))) | trimSuffix "/" | quote }}
{{- else }}
- {{ .root.Values.model.repository | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Environment of the container: where packages are cached, who reads the object store, what the people add. */}}
{{- define "carpal-detector.env" -}}
- {name: CARPAL_CACHE, value: /cache}
{{- if not .root.Values.server.streams }}
- name: CPU_LIMIT
  valueFrom: {resourceFieldRef: {resource: limits.cpu}}
{{- end }}
{{- if and .reference (hasPrefix "s3://" .root.Values.model.repository) }}
{{- with .root.Values.storage.endpoint }}
- {name: AWS_ENDPOINT_URL_S3, value: {{ . | quote }}}
{{- end }}
{{- with .root.Values.storage.region }}
- {name: AWS_DEFAULT_REGION, value: {{ . | quote }}}
{{- end }}
{{- with .root.Values.storage.secretName }}
{{- range list "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY" }}
- name: {{ . }}
  valueFrom: {secretKeyRef: {name: {{ $.root.Values.storage.secretName }}, key: {{ . }}}}
{{- end }}
{{- end }}
{{- end }}
{{- with .root.Values.patientSalt }}
{{- if .secretName }}
- name: CARPAL_PATIENT_SALT
  valueFrom: {secretKeyRef: {name: {{ .secretName }}, key: {{ .key }}}}
{{- end }}
{{- end }}
{{- with .root.Values.env }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Resources, with the GPUs among the limits. */}}
{{- define "carpal-detector.resources" -}}
{{- $resources := deepCopy .Values.resources -}}
{{- if gt (int .Values.gpu.count) 0 -}}
{{- $_ := set $resources "limits" (merge (dict .Values.gpu.resource (toString (int .Values.gpu.count))) ($resources.limits | default dict)) -}}
{{- end -}}
{{- toYaml $resources -}}
{{- end -}}
