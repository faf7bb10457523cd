{{/* What a schema cannot compare, and what the cluster must have. All of it is said at once, and nothing is installed. */}}
{{- define "carpal-detector.checks" -}}
{{- $problems := list -}}
{{- $name := include "carpal-detector.name" . -}}
{{- if or (gt (len $name) 40) (not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name)) -}}
{{- $problems = append $problems (printf "The name %q is not one that KServe takes: at most 40 small letters, digits and dashes, a letter first. Name the release otherwise, or set fullnameOverride." $name) -}}
{{- end -}}
{{- $host := printf "%s-predictor-%s" (ternary (include "carpal-detector.canaryName" .) $name .Values.canary.enabled) .Release.Namespace -}}
{{- if and (not .Values.route.enabled) (gt (len $host) 63) -}}
{{- $problems = append $problems (printf "KServe makes the host name %s, of which a part may have 63 characters, and would never be ready: name the release shorter, or set fullnameOverride." $host) -}}
{{- end -}}
{{- with .Values.autoscaling -}}
{{- if and (ne (include "carpal-detector.autoscaler" $) "none") (lt (int .maxReplicas) (int .minReplicas)) -}}
{{- $problems = append $problems (printf "autoscaling.maxReplicas is %d, below autoscaling.minReplicas, which is %d: KServe would never scale. Raise the one or lower the other." (int .maxReplicas) (int .minReplicas)) -}}
{{- end -}}
{{- if and (eq (include "carpal-detector.autoscaler" $) "keda") (eq (float64 .keda.queueDepth) 0.0) (eq (float64 .keda.inFlight) 0.0) -}}
{{- $problems = append $problems "autoscaling.keda has no trigger: set queueDepth or inFlight above 0." -}}
{{- end -}}
{{- end -}}
{{- with .Values.canary -}}
{{- if .enabled -}}
{{- if not (or .reference .storageUri .tag .digest) -}}
{{- $problems = append $problems "canary.enabled is on and the canary is no different: set canary.reference, canary.storageUri, canary.tag or canary.digest." -}}
{{- end -}}
{{- if lt (int .maxReplicas) (int .minReplicas) -}}
{{- $problems = append $problems "canary.maxReplicas is below canary.minReplicas: raise the one or lower the other." -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and (eq (include "carpal-detector.autoscaler" .) "hpa") (not (dig "requests" .Values.autoscaling.hpa.metric "" .Values.resources)) (not (dig "limits" .Values.autoscaling.hpa.metric "" .Values.resources)) -}}
{{- $problems = append $problems (printf "autoscaling.hpa.metric is %s and resources.requests.%s is not set, so there is no percentage to scale by: set it." .Values.autoscaling.hpa.metric .Values.autoscaling.hpa.metric) -}}
{{- end -}}
{{- if and (not .Values.server.streams) (not (dig "limits" "cpu" "" .Values.resources)) -}}
{{- $problems = append $problems "Neither resources.limits.cpu nor server.streams is set, so every pod would compute as many images at once as its node has cores: set one." -}}
{{- end -}}
{{- if and .Values.transformer.predictor .Values.networkPolicy.enabled (not .Values.networkPolicy.egress) -}}
{{- $problems = append $problems (printf "networkPolicy.enabled is on and networkPolicy.egress is empty, so pods would not reach transformer.predictor, %s: name it in networkPolicy.egress." .Values.transformer.predictor) -}}
{{- end -}}
{{- if gt (float64 .Values.transformer.timeoutSeconds) (float64 .Values.server.startSeconds) -}}
{{- $problems = append $problems "transformer.timeoutSeconds is above server.startSeconds, so a pod would be started again while it still waits for the other server: raise server.startSeconds." -}}
{{- end -}}
{{- if and .Values.server.extraArgs (has "--model" .Values.server.extraArgs) -}}
{{- $problems = append $problems "server.extraArgs holds --model, which this chart sets: use model.reference or model.storageUri." -}}
{{- end -}}
{{- /* Helm's own list of APIs lacks apiregistration, so this asks real clusters only, not helm template. */ -}}
{{- if .Capabilities.APIVersions.Has "apiregistration.k8s.io/v1" -}}
{{- $needed := list (list true "serving.kserve.io/v1beta1/InferenceService" "KServe" "install KServe 0.20 or newer") -}}
{{- $needed = append $needed (list (eq (include "carpal-detector.autoscaler" .) "keda") "keda.sh/v1alpha1/ScaledObject" "KEDA" "install KEDA, or set autoscaling.class to hpa") -}}
{{- $needed = append $needed (list (eq .Values.mode "Knative") "serving.knative.dev/v1/Service" "Knative Serving" "install it, or set mode to Standard") -}}
{{- $needed = append $needed (list .Values.route.enabled "gateway.networking.k8s.io/v1/HTTPRoute" "the Gateway API" "install its resources, or set route.enabled to false") -}}
{{- $needed = append $needed (list .Values.monitoring.podMonitor.enabled "monitoring.coreos.com/v1/PodMonitor" "the Prometheus operator" "install it, or set monitoring.podMonitor.enabled to false") -}}
{{- $needed = append $needed (list .Values.monitoring.rules.enabled "monitoring.coreos.com/v1/PrometheusRule" "the Prometheus operator" "install it, or set monitoring.rules.enabled to false") -}}
{{- range $needed -}}
{{- if and (index . 0) (not ($.Capabilities.APIVersions.Has (index . 1))) -}}
{{- $problems = append $problems (printf "This cluster has no %s, which %s brings: %s." (index . 1) (index . 2) (index . 3)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $problems -}}
{{- fail (printf "\n\n%s\n" (join "\n" $problems)) -}}
{{- end -}}
{{- end -}}
