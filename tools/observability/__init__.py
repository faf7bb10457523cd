"""What is made for Prometheus and Grafana: rules from the chart that owns them, dashboards from questions."""
