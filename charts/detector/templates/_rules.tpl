{{/* The groups of alerts: .pods selects the series, the rest are the objectives. Burn rates and windows are those of the
     SRE workbook, chapter 5: 14.4 over 1 h and 5 min spends 2 % of a month's budget, 6 over 6 h and 30 min 5 %,
     1 over 3 d and 6 h 10 %. The short window lets an alert end soon after its cause. */}}
{{- define "carpal-detector.groups" -}}
{{- $by := "by (namespace, job)" -}}
{{- $le := ternary (printf "%d.0" (int .latencySeconds)) (toString .latencySeconds) (eq (float64 (int .latencySeconds)) (float64 .latencySeconds)) -}}
- name: carpal-detector.shares
  rules:
    {{- range list "5m" "30m" "1h" "6h" "3d" }}
    - record: carpal:requests_bad:share_{{ . }}
      # Where nothing ever went wrong there is no such series, and the share is 0, not nothing.
      expr: >-
        (sum {{ $by }} (rate(carpal_requests_total{ {{- $.pods }},code=~"5..|429"}[{{ . }}]))
        or 0 * sum {{ $by }} (rate(carpal_requests_total{ {{- $.pods }}}[{{ . }}])))
        / sum {{ $by }} (rate(carpal_requests_total{ {{- $.pods }}}[{{ . }}]))
    - record: carpal:answers_late:share_{{ . }}
      expr: >-
        1 - sum {{ $by }} (rate(carpal_request_duration_seconds_bucket{ {{- $.pods }},stage="total",le="{{ $le }}"}[{{ . }}]))
        / sum {{ $by }} (rate(carpal_request_duration_seconds_count{ {{- $.pods }},stage="total"}[{{ . }}]))
    {{- end }}
- name: carpal-detector.objectives
  rules:
    {{- $objectives := list
          (dict "alert" "CarpalErrors" "series" "carpal:requests_bad:share" "budget" (subf 1.0 (float64 .availability))
                "impact" "Requests for detection are refused or fail")
          (dict "alert" "CarpalSlow" "series" "carpal:answers_late:share" "budget" (subf 1.0 (float64 .latencyShare))
                "impact" (printf "Answers take longer than %v s" .latencySeconds)) }}
    {{- $paces := list
          (dict "suffix" "BurnFast" "severity" "critical" "rate" 14.4 "long" "1h" "short" "5m" "for" "2m")
          (dict "suffix" "Burn" "severity" "critical" "rate" 6.0 "long" "6h" "short" "30m" "for" "15m")
          (dict "suffix" "BurnSlow" "severity" "warning" "rate" 1.0 "long" "3d" "short" "6h" "for" "1h") }}
    {{- range $objective := $objectives }}
    {{- range $pace := $paces }}
    {{- $limit := mulf $pace.rate $objective.budget | printf "%.6g" }}
    - alert: {{ $objective.alert }}{{ $pace.suffix }}
      expr: {{ $objective.series }}_{{ $pace.long }} > {{ $limit }} and {{ $objective.series }}_{{ $pace.short }} > {{ $limit }}
      for: {{ $pace.for }}
      labels: {severity: {{ $pace.severity }}}
      annotations:
        summary: >-
          {{ $objective.impact }}: {{ "{{ $value | humanizePercentage }}" }} over {{ $pace.long }} in {{ "{{ $labels.job }}" }}
        description: >-
          The error budget is spent at {{ $pace.rate }} x the pace that makes it last a month. See the dashboard "Is it healthy?".
        runbook_url: {{ $.runbookUrl }}#{{ lower (printf "%s%s" $objective.alert $pace.suffix) }}
    {{- end }}
    {{- end }}
- name: carpal-detector.state
  rules:
    {{- $states := list
          (dict "alert" "CarpalNobodyReady" "severity" "critical" "for" "1m"
                "expr" (printf "sum %s (carpal_ready{%s}) == 0" $by .pods)
                "impact" "No pod answers requests for detection"
                "text" "Pods run and none is ready: the package cannot be opened, or all are starting.")
          (dict "alert" "CarpalPodNotReady" "severity" "warning" "for" "10m"
                "expr" (printf "carpal_ready{%s} == 0" .pods)
                "impact" "A pod takes no requests, the others carry its share"
                "text" "It is not ready for ten minutes: look at its log.")
          (dict "alert" "CarpalQueueFull" "severity" "warning" "for" "2m"
                "expr" (printf "sum %s (carpal_queue_depth{%s}) / sum %s (carpal_queue_capacity{%s}) > 0.8" $by .pods $by .pods)
                "impact" "Requests wait, and soon they are refused"
                "text" "More images arrive than the pods compute: more pods, or a higher maxReplicas.")
          (dict "alert" "CarpalRefuses" "severity" "warning" "for" "5m"
                "expr" (printf "sum %s (rate(carpal_requests_total{%s,code=\"429\"}[5m])) > 0" $by .pods)
                "impact" "Requests are refused with 429, clients must come back later"
                "text" "The queue of at least one pod is full again and again.")
          (dict "alert" "CarpalTwoModels" "severity" "warning" "for" "30m"
                "expr" (printf "count %s (count by (namespace, job, digest) (carpal_model_info{%s,carpal_track!=\"canary\"} == 1)) > 1" $by .pods)
                "impact" "Pods of the same release answer by different models"
                "text" "A rollout stopped half way, or a channel moved and some pods cannot follow it.")
          (dict "alert" "CarpalEmulated" "severity" "warning" "for" "5m"
                "expr" (printf "max by (namespace, job, pod) (carpal_model_info{%s,emulated=\"true\"}) == 1" .pods)
                "impact" "Answers are not computed from the images"
                "text" "server.engine is emulated: it serves for load tests and for nothing else.") }}
    {{- range $states }}
    - alert: {{ .alert }}
      expr: {{ .expr }}
      for: {{ .for }}
      labels: {severity: {{ .severity }}}
      annotations:
        summary: {{ .impact }} ({{ "{{ $labels.job }}" }})
        description: {{ .text | quote }}
        runbook_url: {{ $.runbookUrl }}#{{ lower .alert }}
    {{- end }}
{{- end -}}
