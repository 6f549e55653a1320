"""Projects of bedrock-mantle (workspaces, as Anthropic calls them): made, tagged, archived, each with a retention mode.

Paths, members and the refusals about the default project: a notebook of AWS that ran in October 2026
(https://github.com/aws-samples/sample-per-model-bedrock, 00-foundations/02-governance-projects-and-retention.ipynb).
That an archived project takes no inference is from there too; its words and those of a project that does not exist are
ours. A request may name a project that was never made here: it counts as one whose mode is ``inherit``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rockbottom.local.bodies import object_of
from rockbottom.local.failures import ServiceFailure, invalid
from rockbottom.local.retention import INHERIT, SettingPlace, checked_mode, most_projects
from rockbottom.quantities import is_list, is_object

Json = dict[str, Any]
PROJECT_OPERATIONS = frozenset({"CreateProject", "ListProjects", "GetProject", "UpdateProject", "ArchiveProject"})
_DEFAULT = "default"
_NAMED_BY = (b"openai-project", b"anthropic-workspace", b"anthropic-workspace-id")


def project_of(headers: Mapping[bytes, bytes]) -> str:
    """The project or workspace that a request names; empty: the default one."""
    return next((headers[name].decode("latin-1") for name in _NAMED_BY if name in headers), "")


@dataclass(slots=True)
class Project:
    """One project; times in seconds."""

    identity: str
    arn: str
    name: str
    tags: dict[str, str]
    mode: str
    created_at: float
    archived_at: float | None = None

    def told(self) -> Json:
        """It as the API tells of it."""
        return {
            "id": self.identity,
            "object": "organization.project",
            "arn": self.arn,
            "name": self.name,
            "created_at": int(self.created_at),
            "archived_at": None if self.archived_at is None else int(self.archived_at),
            "status": "active" if self.archived_at is None else "archived",
            "tags": self.tags,
            "data_retention": {"mode": self.mode},
        }


@dataclass(slots=True)
class Projects:
    """The projects of every account and Region."""

    made: dict[SettingPlace, dict[str, Project]] = field(default_factory=dict[SettingPlace, dict[str, Project]])

    def mode_of(self, place: SettingPlace, named: str) -> str:
        """The mode of the project that a request names, ``inherit`` where it has none of its own.

        Raises ServiceFailure for an archived one.
        """
        if not self.made or not named:
            return INHERIT
        project = self.made.get(place, {}).get(named.rpartition("/")[2])
        if project is None:
            return INHERIT
        if project.archived_at is not None:
            raise invalid(f"Project '{project.identity}' is archived.")
        return project.mode

    def answer(
        self, operation: str, place: SettingPlace, identifier: str, content: bytes, identity: str, now: float
    ) -> Json:
        """The reply to one operation; ``identity`` is a new id for what is made. Raises ServiceFailure."""
        if operation == "ListProjects":
            listed = [project.told() for project in (self._default(place), *self.made.get(place, {}).values())]
            ends = {"first_id": listed[0]["id"], "last_id": listed[-1]["id"], "has_more": False}
            return {"object": "list", "data": listed, **ends}
        if operation == "CreateProject":
            return self._create(place, object_of(content or b"{}"), identity, now).told()
        project = self._project(place, identifier)
        if operation == "ArchiveProject":
            if project.identity == _DEFAULT:
                raise invalid("Cannot archive the default project")
            project.archived_at = now if project.archived_at is None else project.archived_at
        if operation == "UpdateProject":
            if project.identity == _DEFAULT:
                raise invalid("cannot update the default project")
            _update(project, object_of(content or b"{}"))
        return project.told()

    def clear(self) -> None:
        """Forget all of them."""
        self.made.clear()

    def _create(self, place: SettingPlace, body: Json, identity: str, now: float) -> Project:
        mine = self.made.setdefault(place, {})
        if len(mine) >= most_projects():
            raise invalid(f"An account has at most {most_projects()} projects.")
        identity = f"proj_{identity.replace('-', '')[:26]}"
        project = Project(identity, _arn(place, identity), _name(body.get("name")), _tags(body), _mode(body), now)
        mine[project.identity] = project
        return project

    def _project(self, place: SettingPlace, identifier: str) -> Project:
        identity = identifier.rpartition("/")[2]
        project = self._default(place) if identity == _DEFAULT else self.made.get(place, {}).get(identity)
        if project is None:
            raise ServiceFailure("ResourceNotFoundException", f"Project '{identity}' not found.")
        return project

    @staticmethod
    def _default(place: SettingPlace) -> Project:
        return Project(_DEFAULT, _arn(place, _DEFAULT), "Default project", {}, INHERIT, 0.0)


def _update(project: Project, body: Json) -> None:
    """Tags are added and removed by key; a name and a mode are replaced."""
    if project.archived_at is not None:
        raise invalid(f"Project '{project.identity}' is archived.")
    tags, gone = _tags(body, "add_tags"), body.get("remove_tag_keys")
    name = project.name if body.get("name") is None else _name(body["name"])
    mode = project.mode if body.get("data_retention") is None else _mode(body)
    project.name, project.mode = name, mode
    removed = {str(key) for key in gone} if is_list(gone) else set[str]()
    project.tags = {key: value for key, value in {**project.tags, **tags}.items() if key not in removed}


def _arn(place: SettingPlace, identity: str) -> str:
    return f"arn:aws:bedrock:{place.region}:{place.account}:project/{identity}"


def _name(name: object) -> str:
    if not isinstance(name, str) or not name.strip() or len(name) > 127:
        raise invalid("The name of a project is a text of 1 to 127 characters.")
    return name


def _tags(body: Json, member: str = "tags") -> dict[str, str]:
    tags = body.get(member)
    return {str(key): str(value) for key, value in tags.items()} if is_object(tags) else {}


def _mode(body: Json) -> str:
    retention = body.get("data_retention")
    return checked_mode(retention.get("mode")) if is_object(retention) else INHERIT
