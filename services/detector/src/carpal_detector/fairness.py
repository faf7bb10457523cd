"""A queue that serves tenants in turn, each first come, first served; with one tenant it is a plain queue."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Items by tenant; whoever has sent a thousand does not stand before whoever sends one."""

    def __init__(self) -> None:
        self._lines: OrderedDict[str, deque[T]] = OrderedDict()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[T]:
        return (item for line in self._lines.values() for item in line)

    def waiting(self, tenant: str) -> int:
        """Items of one tenant."""
        return len(self._lines.get(tenant, ()))

    def append(self, tenant: str, item: T) -> None:
        """Put an item at the end of its tenant's line."""
        self._lines.setdefault(tenant, deque()).append(item)
        self._length += 1

    def popleft(self) -> T:
        """The first item of the tenant whose turn it is; IndexError where there is none."""
        if not self._lines:
            raise IndexError("the queue is empty")
        tenant, line = next(iter(self._lines.items()))
        item = line.popleft()
        self._length -= 1
        if line:
            self._lines.move_to_end(tenant)
        else:
            del self._lines[tenant]
        return item

    def remove(self, tenant: str, item: T) -> None:
        """Take an item out of its line; ValueError where it is not in it."""
        line = self._lines.get(tenant, deque())
        line.remove(item)
        self._length -= 1
        if not line:
            del self._lines[tenant]
