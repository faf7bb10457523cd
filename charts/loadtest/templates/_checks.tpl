{{- define "carpal-loadtest.checks" -}}
{{- $problems := list -}}
{{- if and .Values.scenario.inline (not (dig "arrivals" "" .Values.scenario.inline)) -}}
{{- $problems = append $problems "scenario.inline has no arrivals: say when requests are sent, e.g. {kind: poisson, rate_per_s: 10, duration_s: 60}." -}}
{{- end -}}
{{- if and .Values.report.secretName (not .Values.report.s3) -}}
{{- $problems = append $problems "report.secretName is set and report.s3 is not: say where the report goes, s3://bucket/prefix." -}}
{{- end -}}
{{- if gt (len (include "carpal-loadtest.name" .)) 40 -}}
{{- $problems = append $problems "The name of the release is longer than 40 characters: set fullnameOverride." -}}
{{- end -}}
{{- if $problems -}}
{{- fail (printf "\n\n%s\n" (join "\n" $problems)) -}}
{{- end -}}
{{- end -}}
