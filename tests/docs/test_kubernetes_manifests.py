"""contrib/kubernetes/: every manifest fits its schema, and runs commands that spoolq knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from spoolq.cli.main import parser_of
from spoolq.cli.parser import parsed

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed; .ci/run installs it")
schemas = pytest.importorskip(
    "kubernetes_validate", reason="kubernetes-validate is not installed; .ci/run installs it"
)

MANIFESTS = sorted((Path(__file__).resolve().parents[2] / "contrib" / "kubernetes").glob("*.yaml"))
ENDING_SECONDS = 5
"""For giving jobs back and leaving, after --drain and --grace."""


def documents(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text()))


def pod(document: dict[str, Any]) -> dict[str, Any] | None:
    """The pod's spec in whatever makes pods."""
    spec = document["spec"]
    spec = spec.get("jobTemplate", {}).get("spec", spec)
    return spec["template"]["spec"] if "template" in spec else None


PODS = [
    pytest.param(found, id=f"{path.stem}")
    for path in MANIFESTS
    for document in documents(path)
    if (found := pod(document)) is not None
]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_a_manifest_fits_its_schema(path: Path) -> None:
    for document in documents(path):
        schemas.validate(document, schemas.latest_version(), strict=True)


def test_there_is_one_of_each_kind() -> None:
    kinds = [document["kind"] for path in MANIFESTS for document in documents(path)]
    assert sorted(kinds) == ["CronJob", "Deployment", "Job", "PersistentVolumeClaim"]


def test_all_pods_mount_the_one_volume_that_many_nodes_can_write_to() -> None:
    claims = {
        document["metadata"]["name"]: document["spec"]["accessModes"]
        for path in MANIFESTS
        for document in documents(path)
        if document["kind"] == "PersistentVolumeClaim"
    }
    assert claims == {"spool": ["ReadWriteMany"]}
    for param in PODS:
        (volume,) = param.values[0]["volumes"]
        assert volume["persistentVolumeClaim"]["claimName"] == "spool"


@pytest.mark.parametrize("spec", PODS)
def test_its_command_is_one_of_spoolq_and_ends_within_the_grace_period(
    spec: dict[str, Any],
) -> None:
    (container,) = spec["containers"]
    program, command, *words = [*container["command"], *container.get("args", [])]
    assert program == "spoolq"
    _, parser = parser_of(command)
    args = parsed(parser, words)
    mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
    assert args.spool.startswith(f"{mounts[0]}/")
    if command == "work":
        assert args.drain + args.grace + ENDING_SECONDS < spec["terminationGracePeriodSeconds"]
