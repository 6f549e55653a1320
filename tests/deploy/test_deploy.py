"""What is in deploy/ is taken by the tools that it is for, and gateways start with what it configures."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("helm_python", reason="the tools of deploy/ are not installed here: make deploy runs this")

import hcl2
import helm_python as helm
import kubernetes_validate
import yaml

from rockbottom.gateway import least_policy, read_configuration

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
CHART = DEPLOY / "helm" / "rockbottom-gateway"
VALUES = {
    "image": {"repository": "registry.example/gateway"},
    "secret": {"name": "gateway"},
    "config": {"ship": {"to": "s3://ledgers/gateways"}, "share": "redis://valkey:6379/0?name=gateways"},
}
SECRET = {"ROCKBOTTOM_GATEWAY_SECRET": "x" * 40}
BIN = Path(sys.executable).parent


def rendered(**more):
    """The objects of the chart by their kind."""
    with helm.Chart.load(str(CHART)) as chart:
        texts = chart.render({**VALUES, **more}, name="prod", namespace="bedrock")
    objects = [yaml.safe_load(text) for name, text in texts.items() if name.endswith(".yaml")]
    return {one["kind"]: one for one in objects if one}


def checked(text: str, folder: Path) -> str:
    """The upstream of a configuration that the gateway takes."""
    file = folder / "gateway.yaml"
    file.write_text(text)
    return read_configuration(file, SECRET).upstream.url


def test_the_linter_of_dockerfiles_finds_nothing():
    """No rule is switched off."""
    found = subprocess.run([BIN / "hadolint", DEPLOY / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (found.stdout, found.returncode) == ("", 0)


def test_the_image_is_built_of_pins_and_one_wheel_alone():
    """What the Dockerfile copies is what its ignore file lets through; it runs as nobody, with no index named."""
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    copied = set(re.findall(r"^COPY (?!--from)(\S+) ", dockerfile, re.M))
    let = {line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line[0] == "!"}
    assert copied == let == {"constraints/gateway.txt", "dist/rockbottom-*.whl"}
    assert "--require-hashes" in dockerfile
    assert "USER 65532:65532" in dockerfile
    assert not re.search(r"https?://(?!127\.0\.0\.1)", dockerfile)


def test_the_compose_file_is_one_and_its_gateways_take_their_configuration(tmp_path):
    """By the schema of compose files; both gateways are hardened alike and have disks of their own."""
    file = DEPLOY / "compose.yaml"
    subprocess.run(
        [BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", file], check=True, capture_output=True
    )
    services = yaml.safe_load(file.read_text())["services"]
    assert set(services) == {"gateway-a", "gateway-b", "valkey", "endpoint"}
    assert all(service["read_only"] and service["cap_drop"] == ["ALL"] for service in services.values())
    disks = [{line.split(":")[0] for line in services[name]["volumes"]} for name in ("gateway-a", "gateway-b")]
    assert disks[0] ^ disks[1] == {"ledger-a", "ledger-b"}
    assert checked((DEPLOY / "compose" / "gateway.yaml").read_text(), tmp_path) == "http://endpoint:4747"


def test_helm_lints_the_chart():
    """Strictly, with the values that a user must give; the one remark left is that it has no icon."""
    report = helm.lint(str(CHART), VALUES, strict=True)
    assert report["errors"] == []
    assert [message["error"] for message in report["messages"]] == ["icon is recommended"]


@pytest.mark.parametrize("missing", [{"image": {"repository": ""}}, {"secret": {"name": ""}}, {"confg": {}}])
def test_a_chart_without_what_only_its_user_knows_is_refused(missing):
    """By the schema of its values."""
    with pytest.raises(helm.HelmError):
        rendered(**missing)


def test_kubernetes_takes_every_object():
    """By its own schemas of two versions, without members that they do not know."""
    objects = rendered()
    assert set(objects) == {"ConfigMap", "Deployment", "PodDisruptionBudget", "Service", "ServiceAccount"}
    for version in ("1.29", "1.33"):
        for one in objects.values():
            kubernetes_validate.validate(one, version, strict=True)


def test_pods_are_nobody_on_a_root_that_cannot_be_written():
    """And the grace of a pod is longer than its drain, so that what is under way ends and the ledger is shipped."""
    pod = rendered(config={**VALUES["config"], "limits": {"drain_s": 300}})["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert pod["terminationGracePeriodSeconds"] == 10 + 300 + 45
    mounted = {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
    assert mounted == {"/var/lib/rockbottom", "/tmp"}


def test_the_gateway_takes_the_configuration_of_the_chart(tmp_path):
    """Default values, with a place to ship to."""
    text = rendered()["ConfigMap"]["data"]["gateway.yaml"]
    assert checked(text, tmp_path) == "https://bedrock-runtime.us-east-1.amazonaws.com"


@pytest.fixture(scope="module")
def module():
    """The Terraform module: its blocks by kind."""
    found: dict = {}
    for file in sorted((DEPLOY / "terraform").glob("*.tf")):
        with file.open() as text:
            for kind, blocks in hcl2.load(text).items():
                found.setdefault(kind, []).extend(blocks if isinstance(blocks, list) else [blocks])
    return found


def test_every_variable_of_the_module_is_used_and_every_one_used_is_declared(module):
    """Likewise its resources and data."""
    text = "\n".join(file.read_text() for file in (DEPLOY / "terraform").glob("*.tf"))
    declared = {name.strip('"') for block in module["variable"] for name in block}
    assert declared == set(re.findall(r"\bvar\.(\w+)", text))
    resources = {
        f"{kind.strip(chr(34))}.{name.strip(chr(34))}"
        for block in module["resource"] for kind, named in block.items() for name in named if name[:2] != "__"
    }  # fmt: skip
    used = set(re.findall(r"(?<!data\.)\b(aws_\w+\.\w+)(?:\.|\[)", text))
    assert used <= resources


def test_terraform_would_write_the_module_so():
    """terraform fmt, where there is a terraform."""
    terraform = shutil.which("terraform")
    if terraform is None:
        assert not any("\t" in file.read_text() for file in (DEPLOY / "terraform").glob("*.tf"))
        return
    subprocess.run([terraform, "fmt", "-check", "-diff", DEPLOY / "terraform"], check=True)


def test_the_role_of_a_task_may_do_what_the_gateway_says_that_it_needs():
    """The same actions as `rockbottom gateway policy` prints, statement by statement."""
    text = (DEPLOY / "terraform" / "roles.tf").read_text()
    task = text[text.index('"aws_iam_policy_document" "task"') : text.index('"aws_iam_policy_document" "execution"')]
    granted = {
        sid: sorted(json.loads(re.sub(r",\s*\]", "]", actions)))
        for sid, actions in re.findall(r'sid\s+= "(\w+)"\n\s+actions\s+= (\[.*?\])', task, re.S)
    }
    policy = least_policy(["arn:aws:iam::123456789012:role/r"], ship="s3://bucket/prefix")
    needed = {row["Sid"]: row["Action"] for row in policy["Statement"]}
    assert granted == {sid: sorted([act] if isinstance(act, str) else act) for sid, act in needed.items()}


def test_a_task_has_time_to_drain_and_ship_before_fargate_kills_it():
    """120 seconds at the most (stopTimeout, API reference of Amazon ECS)."""
    text = (DEPLOY / "terraform" / "main.tf").read_text()
    stop, drain = (int(re.search(rf"{name}\s+= (\d+)", text)[1]) for name in ("stop_timeout_s", "drain_s"))
    assert stop == 120
    assert drain + 30 < stop


def test_systemd_takes_the_unit(tmp_path):
    """systemd-analyze verify, where it is; everywhere: reload, drain and hardening."""
    unit = (DEPLOY / "systemd" / "rockbottom-gateway.service").read_text()
    for line in (
        "ExecReload=/bin/sh -c 'kill -HUP $MAINPID'",  # /bin/kill is of a package that slim systems lack
        "ProtectSystem=strict",
        "NoNewPrivileges=yes",
        "TimeoutStopSec=660",
    ):
        assert f"\n{line}\n" in unit
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        return
    file = tmp_path / "rockbottom-gateway.service"
    file.write_text(unit.replace("/opt/rockbottom/bin/rockbottom", str(BIN / "rockbottom")))
    found = subprocess.run([analyze, "verify", file], capture_output=True, text=True, check=False)
    assert "rockbottom-gateway" not in found.stderr, found.stderr
