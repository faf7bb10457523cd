"""Model packages: what a model is, where it is kept, and by which name it is found."""

DEFAULT_CHANNEL = "stable"
DEFAULT_REPOSITORY = "./models"
REPOSITORY_VARIABLE = "CARPAL_REPOSITORY"
