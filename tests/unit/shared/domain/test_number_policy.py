"""What may be called and as whom: the rule, and that its tables are libphonenumber's."""

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import phonenumbers
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from phonenumbers import PhoneMetadata, PhoneNumberFormat, PhoneNumberType
from phonenumbers.shortnumberinfo import is_emergency_number

from shared.domain.errors import Invalid
from shared.domain.gate import GateFacts, verdict, words
from shared.domain.number_policy import (
    KNOWN_COUNTRIES,
    UNTOUCHED,
    NumberKind,
    NumberPolicy,
    country_of,
    kind_of,
    parse_countries,
)
from shared.domain.phone_list_line import PhoneEntry, RefusedLine, read_line
from shared.domain.phone_number import InvalidNumber, PhoneNumber, to_e164
from shared.domain.phone_number_kinds import METADATA_VERSION, PREMIUM
from shared.domain.retry import EXCLUDED, Conclude, Withheld, after_withheld

DEAR = {PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST}
#: Regions whose example may have moved when a newer release of libphonenumber is installed.
MAX_DRIFT = 0 if phonenumbers.__version__ == METADATA_VERSION else 12


def example(region: str, kind: int) -> str | None:
    """Return the package's own example of a region's numbers of a kind, where one can be dialled."""
    number = phonenumbers.example_number_for_type(region, kind)
    if number is None:
        return None
    written = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    try:
        return PhoneNumber(e164=written).e164
    except InvalidNumber:
        return None


def examples(*kinds: int) -> list[tuple[str, str]]:
    """Return region and example of all regions."""
    found = [(region, example(region, kind)) for region in phonenumbers.SUPPORTED_REGIONS for kind in kinds]
    return [(region, e164) for region, e164 in found if e164 is not None]


def dear_patterns(code: int, regions: Iterable[str]) -> str:
    """Return the package's patterns of premium-rate and shared-cost numbers of a calling code, as the table does."""
    metadata = [
        PhoneMetadata.metadata_for_nongeo_region(code, None)
        if region == "001"
        else PhoneMetadata.metadata_for_region(region, None)
        for region in regions
    ]
    kinds = [kind for each in metadata if each for kind in (each.premium_rate, each.shared_cost) if kind]
    return "|".join(
        dict.fromkeys(kind.national_number_pattern for kind in kinds if kind.national_number_pattern)
    )


def test_the_committed_patterns_are_those_of_libphonenumber() -> None:
    """Against a newer release only a few codes may have moved; the table to put in their place is printed."""
    installed = [
        f"{code}:{patterns}"
        for code, regions in sorted(
            phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items(), key=lambda each: str(each[0])
        )
        if (patterns := dear_patterns(code, regions))
    ]
    drifted = set(installed) ^ set(PREMIUM.split())
    assert len(drifted) <= 2 * MAX_DRIFT, "\n".join(installed)


def test_every_region_s_premium_and_shared_cost_numbers_are_special() -> None:
    """By the package's own examples."""
    missed = [each for each in examples(*DEAR) if kind_of(each[1]) is not NumberKind.PREMIUM]
    assert len(missed) <= MAX_DRIFT, missed


def test_no_region_s_ordinary_numbers_are_special() -> None:
    """Nobody's landline or mobile is refused, and each is a number of its country."""
    ordinary = examples(PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE, PhoneNumberType.TOLL_FREE)
    wrong = [each for each in ordinary if kind_of(each[1]) is not None]
    assert len(wrong) <= MAX_DRIFT, wrong
    astray = [
        (region, e164)
        for region, e164 in examples(PhoneNumberType.FIXED_LINE)
        if region in KNOWN_COUNTRIES and country_of(e164) != region
    ]
    assert len(astray) <= MAX_DRIFT, astray


@given(
    st.sampled_from(sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)),
    st.from_regex(r"[0-9]{5,12}", fullmatch=True),
)
def test_whatever_the_package_takes_for_dear_is_special(code: int, rest: str) -> None:
    """For any number that can be dialled at all."""
    try:
        e164 = PhoneNumber(e164=f"+{code}{rest}").e164
    except InvalidNumber:
        assume(False)
        return
    number = phonenumbers.parse(e164)
    if phonenumbers.number_type(number) in DEAR:
        assert kind_of(e164) is NumberKind.PREMIUM
    national = phonenumbers.national_significant_number(number)
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[number.country_code or code]
    assert not any(is_emergency_number(national, region) for region in regions)


@pytest.mark.parametrize(
    ("e164", "kind", "country"),
    [
        ("+12025550100", None, "US"),
        ("+14165550100", None, "CA"),
        ("+18765550100", None, "JM"),
        ("+77172555010", None, "KZ"),
        ("+74955550100", None, "RU"),
        ("+442079460000", None, "GB"),
        ("+19005550100", NumberKind.PREMIUM, "US"),
        ("+449098790000", NumberKind.PREMIUM, "GB"),
        ("+881612345678", NumberKind.PREMIUM, None),
        ("+88213300655", NumberKind.PREMIUM, None),
        ("+979123456789", NumberKind.PREMIUM, None),
        ("+19115550100", NumberKind.SERVICE, "US"),
        ("+14115550100", NumberKind.SERVICE, "US"),
    ],
)
def test_kinds_and_countries(e164: str, kind: NumberKind | None, country: str | None) -> None:
    """What a number's digits say."""
    assert (kind_of(e164), country_of(e164)) == (kind, country)


@pytest.mark.parametrize(
    ("policy", "e164", "why"),
    [
        (UNTOUCHED, "+12025550100", None),
        (UNTOUCHED, "+18765550100", None),
        (UNTOUCHED, "+19005550100", "premium-rate"),
        (UNTOUCHED, "+19115550100", "emergency"),
        (NumberPolicy(premium=True), "+19005550100", None),
        (NumberPolicy(premium=True), "+881612345678", None),
        (NumberPolicy(premium=True), "+19115550100", "emergency"),
        (NumberPolicy(countries=frozenset({"US", "CA"})), "+14165550100", None),
        (NumberPolicy(countries=frozenset({"US", "CA"})), "+18765550100", "a number of JM.*only CA, US"),
        (NumberPolicy(countries=frozenset({"US"}), premium=True), "+881612345678", "of no country"),
    ],
)
def test_what_a_policy_refuses(policy: NumberPolicy, e164: str, why: str | None) -> None:
    """In a sentence, or not at all."""
    refusal = policy.refusal(e164)
    if why is None:
        assert refusal is None
    else:
        assert refusal is not None
        assert re.search(why, refusal)


def test_only_verified_caller_ids_where_they_are_asked_for() -> None:
    """Any otherwise; and the trunk's own, which nobody asked for, always."""
    strict = NumberPolicy(verified=frozenset({"+12025550199"}))
    assert UNTOUCHED.caller_refusal("+12025550100") is None
    assert strict.caller_refusal("+12025550199") is None
    assert strict.caller_refusal(None) is None
    assert "+12025550100 is not verified" in (strict.caller_refusal("+12025550100") or "")


@pytest.mark.parametrize("short", ["911", "112", "999", "+1911", "tel:911", "+44999", "000", "+49110"])
def test_a_short_emergency_number_is_no_number(short: str) -> None:
    """It never gets as far as a policy."""
    with pytest.raises(InvalidNumber):
        to_e164(short)


@pytest.mark.parametrize(
    "line",
    [
        "+12025550100;postd=1@evil",
        "+12025550100;postd=1;ani=+1202555\r\nX: 1",
        "+12025550100;ani=+12025550199@evil",
        "+12025550100;ani=sip:x",
        "+12025550100\r\nX-Injected: 1",
        "+12025550100@evil.example",
        "+12025550100;phone-context=evil",
        "+12025550100;ani=٤٤٢٠٧٩٤٦٠٠٠٠",
    ],
)
def test_what_is_more_than_digits_is_refused_with_its_line(line: str) -> None:
    """A destination, caller id or digits to dial afterwards are never pasted text."""
    assert isinstance(read_line(1, line), RefusedLine)


def test_what_is_taken_in_is_digits() -> None:
    """However it was written."""
    entry = read_line(1, "tel:(202) 555-0100; ani=(202) 555 0199; postd=1P2w")
    assert isinstance(entry, PhoneEntry)
    assert (entry.e164, entry.ani, entry.post_dial) == ("+12025550100", "+12025550199", "1,2w")


def test_countries_are_read_as_people_write_them() -> None:
    """In any case and order; what is no country is named."""
    assert parse_countries(" us, CA,,us ") == ("CA", "US")
    assert parse_countries("") == ()
    with pytest.raises(Invalid, match="'UK' is no country"):
        parse_countries("US,UK")


@pytest.mark.parametrize(
    ("field", "reason"),
    [("number_refused", Withheld.NOT_ALLOWED), ("caller_refused", Withheld.UNVERIFIED_CALLER)],
)
def test_the_gate_ends_the_number_and_says_why(field: str, reason: Withheld) -> None:
    """As an excluded one; the history reads the sentence."""
    now = datetime(2026, 11, 21, tzinfo=UTC)
    later = now + timedelta(seconds=1)
    open_road = GateFacts(
        now=now, send_by=later, window_closes_at=later, campaign_running=True, same_epoch=True,
        held=False, excluded=False,
    )  # fmt: skip
    facts = replace(open_road, **{field: "Because."})  # type: ignore[arg-type]  # one of two texts
    assert verdict(facts) is reason
    assert words(reason, facts, None) == f"{reason.value}: Because."
    assert after_withheld(reason, now=facts.now) == Conclude(EXCLUDED)
