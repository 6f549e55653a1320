"""Kinds of input and situation that people report of Bedrock clients and bills: each has a test that keeps it right."""

import ast
from collections.abc import Mapping
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]

KINDS: Mapping[str, tuple[str, ...]] = {
    "guardContent beside cachePoints": (
        "client/test_any_input.py::test_no_input_raises_and_none_is_changed",
        "plan/test_legality.py::test_every_plan_for_converse_is_accepted",
    ),
    "the ARN of a prompt of prompt management": (
        "client/test_charges.py::test_a_prompt_of_prompt_management_is_counted_under_its_arn_without_a_price",
    ),
    "models that the catalogue does not know": ("client/test_other_models.py::test_every_call_is_in_a_figure",),
    "a block put in between others": ("diagnose/test_differences.py::test_an_inserted_block_is_called_inserted",),
    "read timeouts and attempts that are billed again": (
        "client/test_charges.py::test_an_attempt_that_timed_out_may_be_billed_and_is_said",
    ),
    "streams that nobody reads to their end": (
        "client/test_attach.py::test_a_stream_closed_early_counts_as_a_call_without_usage",
        "client/test_charges.py::test_a_stream_that_was_cut_is_counted_as_far_as_it_told",
    ),
    "file systems that cannot be written": (
        "trace/test_compiling.py::test_without_any_place_it_is_compiled_anew",
        "client/test_fail_open.py::test_a_state_that_cannot_be_used_is_one_warning_and_an_empty_start",
    ),
    "many threads on one client": ("client/test_attach.py::test_threads_share_one_client",),
    "a stubbed client": ("client/test_attach.py::test_a_stubbed_client_answers_as_stubbed",),
    "exports of CloudWatch in every form and encoding": (
        "trace/test_wrapped_logs.py::test_the_same_records_however_they_were_saved",
        "trace/test_wrapped_logs.py::test_what_powershell_writes",
    ),
    "odd records in a log": ("trace/test_damaged_logs.py::test_one_odd_record_among_good_ones",),
    "latency-optimized and reserved prices": (
        "client/test_charges.py::test_a_call_is_priced_at_the_tier_that_served_it",
        "client/test_charges.py::test_reserved_capacity_is_named_where_its_tokens_have_no_price",
    ),
    "hyphens in the models of a bill": (
        "monitor/test_bill_shapes.py::test_open_models_with_hyphens_agree_with_the_ledger_to_the_cent",
    ),
    "Cost Explorer: pages, months, no usage types": (
        "monitor/test_bill_shapes.py::test_all_pages_of_a_reply_count",
        "monitor/test_bill_shapes.py::test_a_month_is_held_against_the_month",
        "monitor/test_bill_shapes.py::test_a_reply_without_usage_types_is_of_no_model_and_the_first_reason",
    ),
    "batch records as people write them": (
        "batch/test_command.py::test_records_that_cannot_be_counted_are_not_sent",
        "batch/test_records.py::test_a_body_of_another_dialect_is_found_before_it_is_sent",
        "batch/test_records.py::test_a_file_in_any_unicode_encoding_is_read",
        "batch/test_records.py::test_bytes_of_another_code_page_are_refused_with_the_way_out",
    ),
    "tools that are loaded later": ("plan/test_rules.py::test_a_tool_with_defer_loading_is_never_marked",),
    "bodies of InvokeModel in every spelling": (
        "client/test_attach.py::test_a_native_body_that_is_not_plain_utf_8_goes_out_byte_for_byte",
        "client/test_attach.py::test_a_native_body_that_is_no_body_goes_out_as_it_is",
    ),
    "values in tool results that boto3 refuses": (
        "client/test_attach.py::test_a_body_that_boto3_refuses_is_refused_in_boto3s_own_words",
    ),
    "values of numpy in tool results": (
        "client/test_fail_open.py::test_a_tool_result_with_values_of_their_own_classes_is_planned",
        "client/test_fail_open.py::test_a_call_that_cannot_be_read_spends_from_a_budget",
    ),
    "one caller in two Regions": ("diagnose/test_planted.py::test_the_planted_cause_is_named_and_no_other",),
    "litter in a log folder": (
        "trace/test_tables_and_envelopes.py::test_litter_in_a_folder_and_one_file_cut_short_leave_the_rest",
    ),
    "tools in a changing order": (
        "client/test_with_the_planner.py::test_tools_in_a_changing_order_are_sorted_and_read",
        "client/test_notices.py::test_tools_in_another_order_each_time_are_named",
    ),
    "prefixes above a hundred thousand tokens": (
        "plan/test_long_prompts.py::test_a_long_system_text_is_written_once_and_read_nine_times",
    ),
    "gevent": ("programs/test_servers.py::test_every_worker_of_gunicorn_is_reached",),
    "copies of clients, attaching twice, closing": (
        "client/test_attached_twice.py::test_the_same_arguments_again_change_nothing",
        "client/test_attached_twice.py::test_an_attached_client_is_copied_as_a_plain_one_is",
    ),
    "large images": ("dialects/test_converse.py::test_a_large_image_counts_what_the_model_scales_it_to",),
    "other charges on the bill": ("monitor/test_bill_shapes.py::test_every_dollar_of_bedrock_is_in_a_sum",),
    "a long conversation taken up by a new process": (
        "plan/test_long_prompts.py::test_a_conversation_of_150k_tokens_is_taken_up_by_a_new_process",
    ),
    "legacy reports": ("monitor/test_reconcile.py::test_a_bill_that_is_the_ledger_agrees_in_every_format",),
    "proxies, profiles and keys in the environment": (
        "process/test_loopback.py::test_a_bench_reaches_the_local_endpoint",
        "process/test_loopback.py::test_a_test_s_client_reaches_the_local_endpoint",
    ),
    "odd lines in the output of a batch": (
        "batch/test_rejoining.py::test_an_error_of_a_shape_of_its_own_stops_nothing",
        "batch/test_rejoining.py::test_missing_and_foreign_results_are_counted",
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_kind_has_its_tests(kind: str) -> None:
    """They are there by these names."""
    for place in KINDS[kind]:
        file, _, name = place.partition("::")
        tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
        assert any(isinstance(node, ast.FunctionDef) and node.name == name for node in ast.walk(tree)), place
