"""The classes that are drawn: the phantoms are a dataset, and a dataset is where class names are born."""

CLASS_NAMES: tuple[str, ...] = (
    "boneanomaly", "bonelesion", "foreignbody", "fracture", "metal", "periostealreaction", "pronatorsign", "softtissue",
    "text",
)  # fmt: skip
"""Names in the order of their class index, as in the meta.yaml of GRAZPEDWRI-DX."""
