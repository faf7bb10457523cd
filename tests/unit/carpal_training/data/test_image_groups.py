from carpal_training.data.image_groups import group_images


def test_group_images_puts_consecutive_numbers_into_blocks() -> None:
    numbers = {f"IMG{number}": number for number in (0, 15, 16, 40)}
    assert group_images(numbers, []) == {
        "IMG0": "block-0000", "IMG15": "block-0000", "IMG16": "block-0001", "IMG40": "block-0002",
    }  # fmt: skip


def test_group_images_joins_blocks_of_near_copies() -> None:
    numbers = {f"IMG{number}": number for number in (0, 16, 32, 48, 64)}
    groups = group_images(numbers, [("IMG48", "IMG16"), ("IMG64", "IMG48")])
    assert groups == {
        "IMG0": "block-0000", "IMG16": "block-0001", "IMG32": "block-0002", "IMG48": "block-0001",
        "IMG64": "block-0001",
    }  # fmt: skip
