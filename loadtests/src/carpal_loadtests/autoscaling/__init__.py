"""What Kubernetes' HPA, Knative's KPA and KEDA decide, rule by rule, given what they are shown and when.

Pure decisions: a controller is shown pods and metrics at a time and says a number. Nothing here talks to a cluster.
"""
