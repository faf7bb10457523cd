"""What is made of the charts: schemas and READMEs from their values, and the manifests of their examples."""
