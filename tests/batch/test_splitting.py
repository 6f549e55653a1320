"""Files and jobs within the limits, every record in exactly one."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rockbottom.batch import TooFewRecords, packaged_limits
from rockbottom.batch.limits import with_quotas
from rockbottom.batch.splitting import Slice, jobs_of


def limits(**changes):
    return replace(packaged_limits(), **changes)


def test_records_are_cut_at_the_record_limit():
    """250 records of 10 bytes at 100 a job: two jobs of 100 would leave 50, so the second gives 50 to the third."""
    jobs = jobs_of([10] * 250, limits(records_per_job=100, minimum_records=50))
    assert jobs == ((Slice(0, 1000, 100),), (Slice(1000, 1000, 100),), (Slice(2000, 500, 50),))


def test_a_last_job_below_the_minimum_takes_from_the_one_before():
    """201 records at 120 a job: 81 would be too few, so it is 101 and 100."""
    jobs = jobs_of([1] * 201, limits(records_per_job=120))
    assert [files[0].records for files in jobs] == [101, 100]


def test_a_job_has_several_files_when_bytes_demand_it():
    """400 records of 10 bytes, files of at most 1,500 bytes: 150, 150 and 100 records in one job."""
    jobs = jobs_of([10] * 400, limits(file_bytes=1500))
    assert [[one.records for one in files] for files in jobs] == [[150, 150, 100]]


def test_fewer_than_the_minimum_are_refused_with_the_source_of_the_minimum():
    """99 records; the message says where the 100 comes from."""
    with pytest.raises(TooFewRecords, match=r"99 records.*100.*docs\.aws\.amazon\.com"):
        jobs_of([10] * 99, limits())


@given(
    sizes=st.lists(st.integers(1, 40), min_size=5, max_size=300),
    per_file=st.integers(5, 60),
    per_job=st.integers(10, 90),
    file_bytes=st.integers(40, 600),
    job_bytes=st.integers(400, 2000),
)
def test_every_record_is_in_one_slice_and_no_limit_is_broken(sizes, per_file, per_job, file_bytes, job_bytes):
    """Slices follow each other without gap, hold whole records, and stay within every limit."""
    chosen = limits(
        minimum_records=5, records_per_file=per_file, records_per_job=per_job, file_bytes=file_bytes,
        job_bytes=job_bytes,
    )  # fmt: skip
    at = count = 0
    for files in jobs_of(sizes, chosen):
        assert 5 <= sum(one.records for one in files) <= per_job
        assert sum(one.length for one in files) <= job_bytes
        for one in files:
            assert (one.offset, one.length) == (at, sum(sizes[count : count + one.records]))
            assert one.records <= per_file
            assert one.length <= file_bytes
            at, count = at + one.length, count + one.records
    assert (at, count) == (sum(sizes), len(sizes))


def test_quotas_of_the_account_replace_the_packaged_limits_of_that_model_only():
    """Rows of another model change nothing; GB are bytes; the origin is said."""
    rows = [
        {"QuotaName": "Minimum number of records per batch inference job for Claude Haiku 4.5", "Value": 100.0},
        {"QuotaName": "Records per input file per batch inference job for Claude Haiku 4.5", "Value": 100000.0},
        {"QuotaName": "Records per batch inference job for Claude Haiku 4.5", "Value": 100000.0},
        {"QuotaName": "Batch inference job size (in GB) for Claude Haiku 4.5", "Value": 5.0},
        {"QuotaName": "Records per batch inference job for Claude Sonnet 4.5", "Value": 7.0},
        {"QuotaName": "On-demand model inference requests per minute for Claude Haiku 4.5", "Value": 3.0},
    ]
    found = with_quotas(packaged_limits(), rows, "Claude Haiku 4.5")
    assert (found.records_per_file, found.records_per_job, found.job_bytes) == (100_000, 100_000, 5_000_000_000)
    assert found.origins["records_per_job"] == "Service Quotas of this account"
    assert found.file_bytes == packaged_limits().file_bytes
    assert "docs.aws.amazon.com" in found.origins["file_bytes"]


@pytest.mark.parametrize(
    ("quota", "model"),
    [
        # Names as they stand in a public list of the quotas of an account, with their codes.
        ("Minimum number of records per batch inference job for Nova Pro V1", "Nova Pro"),  # L-2A3EB975
        ("Minimum number of records per batch inference job for OpenAI GPT OSS 120b", "gpt-oss-120b"),  # L-4B244563
        (
            "Minimum number of records per batch inference job for Qwen3 Coder 480B",
            "Qwen3 Coder 480B A35B",
        ),  # L-5818283A
        ("Minimum number of records per batch inference job for Claude 3.5 Haiku", "Claude 3.5 Haiku"),
    ],
)
def test_quotas_are_found_under_the_names_that_service_quotas_gives_models(quota, model):
    """Version marks, makers and sizes of active parameters stand on one side only."""
    assert with_quotas(packaged_limits(), [{"QuotaName": quota, "Value": 7.0}], model).minimum_records == 7


@pytest.mark.parametrize(
    ("quota", "model"),
    [
        ("Batch inference job size (in GB) for Nova Lite V1", "Nova Lite"),  # L-19E52681
        ("Batch inference job size for Qwen3 Coder 480B (in GB)", "Qwen3 Coder 480B A35B"),  # L-007D91B8
        ("Batch inference job size (in GB) for OpenAI GPT OSS 20b", "gpt-oss-20b"),  # L-5594A7BA
    ],
)
def test_sizes_are_in_gigabytes_wherever_their_name_says_so(quota, model):
    """The unit stands before or behind the model."""
    assert with_quotas(packaged_limits(), [{"QuotaName": quota, "Value": 100.0}], model).job_bytes == 100_000_000_000


@pytest.mark.parametrize(
    "quota",
    [
        "Minimum number of records per batch inference job for Claude 3.5 Sonnet v2",
        "Minimum number of records per batch inference job for Nova Micro V1",
        "Sum of in-progress and submitted batch inference jobs using a base model for Claude 3.5 Sonnet",
        "On-demand model inference requests per minute for Anthropic Claude 3.5 Sonnet",
    ],
)
def test_quotas_of_another_model_or_kind_change_nothing(quota):
    """A second version is another model; other quotas of the model are none of batch's sizes."""
    assert (
        with_quotas(packaged_limits(), [{"QuotaName": quota, "Value": 7.0}], "Claude 3.5 Sonnet") == packaged_limits()
    )
