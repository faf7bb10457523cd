"""The classes of a run: those of the model, in its order, the same in every record."""

from __future__ import annotations

from carpal.records.errors import ClassesDifferError
from carpal.records.record import Record


class Classes:
    """Remembers the classes of the first record and holds the others to them."""

    def __init__(self) -> None:
        self.names: tuple[str, ...] = ()

    def check(self, record: Record) -> tuple[str, ...]:
        """The classes of a record, in the model's order: its conclusions name all of them.

        Raises:
            ClassesDifferError: they are not those of the records before, as when a service changes its model.
        """
        names = classes_of(record)
        self.names = self.names or names
        if names != self.names:
            raise ClassesDifferError(
                f"this record has the classes {', '.join(names)}; those before it have {', '.join(self.names)}",
                "The file numbers its classes once for all records, and the model changed within the run.",
                "Convert again, while the service keeps its model.",
            )
        return names


def classes_of(record: Record) -> tuple[str, ...]:
    """The model's classes in its order."""
    return tuple(conclusion.label for conclusion in record.conclusions)
