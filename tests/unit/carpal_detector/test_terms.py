"""Until when, and on whose behalf."""

from __future__ import annotations

import asyncio

import pytest
from starlette.datastructures import Headers

from carpal_detector.errors import MalformedError
from carpal_detector.terms import Terms, TermsReader


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_a_deadline_is_counted_from_now():
    terms = TermsReader().read(Headers({"X-Request-Deadline-Ms": "1500"}))
    assert terms.deadline_s == pytest.approx(now() + 1.5, abs=0.5)
    assert TermsReader().read(Headers()).deadline_s is None


async def test_who_names_no_deadline_gets_the_services():
    reader = TermsReader(deadline_ms=2000.0)
    assert reader.read(Headers()).deadline_s == pytest.approx(now() + 2.0, abs=0.5)
    assert reader.read(Headers({"X-Request-Deadline-Ms": "9000"})).deadline_s == pytest.approx(now() + 9.0, abs=0.5)


@pytest.mark.parametrize("text", ["soon", "-1", "nan", "inf", "", "soon" * 5000])
async def test_a_deadline_that_is_no_number_is_refused(text: str):
    with pytest.raises(MalformedError) as caught:
        TermsReader().read(Headers({"X-Request-Deadline-Ms": text}))
    assert len(str(caught.value)) < 300


async def test_the_nearer_of_two_deadlines_counts():
    terms = Terms(deadline_s=now() + 60, tenant="ward")
    assert terms.within(1.0).deadline_s == pytest.approx(now() + 1.0, abs=0.5)
    assert terms.within(600.0) == terms
    assert terms.within(None) is terms
    assert terms.within(1.0).tenant == "ward"


async def test_tenants_are_told_apart_only_where_a_header_was_chosen():
    headers = Headers({"X-Tenant": "ward" * 100})
    assert TermsReader().read(headers).tenant == ""
    assert TermsReader(tenant_header="x-tenant").read(headers).tenant == "ward" * 32
    assert TermsReader(tenant_header="x-tenant").read(Headers()).tenant == ""
