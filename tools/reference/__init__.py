"""The pages of docs/reference, one module a page: each has ``files()``, path in the repository to text."""
