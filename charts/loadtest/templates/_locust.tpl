{{/* Locust on the schedule of carpal load, as master or worker: the options that both share. */}}
{{- define "carpal-loadtest.locust" -}}
locust --headless --locustfile "$(python -c 'import importlib.util as u; print(u.find_spec("carpal_loadtests.locustfile").origin)')"
{{- printf " --scenario %s --host %s" (include "carpal-loadtest.scenario" . | squote) (.Values.target | squote) }}
{{- with .Values.model }} --model {{ . | squote }}{{ end }}
{{- with .Values.grpcTarget }} --grpc {{ . | squote }}{{ end }}
{{- end -}}
