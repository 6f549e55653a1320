"""The operations that belong to levers: guardrails, distillation, rerank; and those of the runtime not played here."""

import io
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from rockbottom.catalog import RUNTIME
from rockbottom.local.bodies import object_of
from rockbottom.local.control_plane import Asking, page_of
from rockbottom.local.embeddings import answer_embedding, embedding_model
from rockbottom.local.failures import ServiceFailure, invalid
from rockbottom.local.guardrail_findings import without_masked
from rockbottom.local.jobs import instant
from rockbottom.local.jobs_s3 import S3, bucket_and_key
from rockbottom.local.retention import SettingPlace
from rockbottom.local.shapes import BodyChecker, body_checker, service_model
from rockbottom.local.state import EndpointState

Json = dict[str, Any]
Answered = tuple[int, Json]


class LeversPlane:
    """Answers the operations of guardrails and of customization; S3 is read in the call, for what a job trains on."""

    def __init__(self, state: EndpointState) -> None:
        self._state = state
        self._checkers: dict[str, BodyChecker] = {}
        self._operations: Mapping[str, Callable[[Asking], Answered]] = {
            "CreateGuardrail": self._create,
            "CreateGuardrailVersion": self._version,
            "GetGuardrail": self._get,
            "ListGuardrails": self._list,
            "DeleteGuardrail": self._delete,
            "ApplyGuardrail": self._apply,
            "CreateModelCustomizationJob": self._customize,
            "GetModelCustomizationJob": self._customization,
            "StopModelCustomizationJob": self._stop,
            "ListCustomModels": self._models,
            "GetCustomModel": self._model,
            "DeleteCustomModel": self._delete_model,
            "CreateCustomModelDeployment": self._deploy,
            "ListCustomModelDeployments": self._deployments,
            "GetCustomModelDeployment": self._deployment,
            "DeleteCustomModelDeployment": self._undeploy,
            "GetAccountDataRetention": self._retention,
            "PutAccountDataRetention": self._retain,
            "Rerank": self._rerank,
            "StartAsyncInvoke": self._start_async,
            "ListAsyncInvokes": lambda _: (200, {"asyncInvokeSummaries": []}),
            "GetAsyncInvoke": self._get_async,
        }

    def answers(self, operation: str) -> bool:
        """Whether an operation is one of these."""
        return operation in self._operations

    def answer(self, operation: str, asking: Asking) -> Answered:
        """The HTTP status and body. Raises ServiceFailure."""
        return self._operations[operation](asking)

    def _rerank(self, asking: Asking) -> Answered:
        return 200, reranked(self._checked("bedrock-agent-runtime", "Rerank", asking))

    def _start_async(self, asking: Asking) -> Answered:
        self._checked("bedrock-runtime", "StartAsyncInvoke", asking)
        raise ServiceFailure(
            "ValidationException",
            "This action doesn't support the model that you provided. Try again with a supported model.",
            hint="the local endpoint does not run asynchronous invocations, which make videos and embed files",
        )

    @staticmethod
    def _get_async(asking: Asking) -> Answered:
        raise ServiceFailure("ResourceNotFoundException", f"The invocation {asking.identifier} was not found.")

    def _create(self, asking: Asking) -> Answered:
        body = self._checked("bedrock", "CreateGuardrail", asking)
        guardrail = self._state.guardrails.create(body, asking.caller, self._state.clock.now())
        description = self._state.guardrails.described(guardrail)
        return 202, {name: description[name] for name in ("guardrailId", "guardrailArn", "version", "createdAt")}

    def _version(self, asking: Asking) -> Answered:
        guardrail = self._state.guardrails.find(asking.identifier)
        guardrail.versions += 1
        return 202, {"guardrailId": guardrail.identity, "version": str(guardrail.versions)}

    def _get(self, asking: Asking) -> Answered:
        return 200, self._state.guardrails.described(self._state.guardrails.find(asking.identifier))

    def _list(self, asking: Asking) -> Answered:
        rows = [self._state.guardrails.described(guardrail) for guardrail in self._state.guardrails.made.values()]
        return 200, page_of(rows, "guardrails", asking.query)

    def _delete(self, asking: Asking) -> Answered:
        del self._state.guardrails.made[self._state.guardrails.find(asking.identifier).identity]
        return 202, {}

    def _apply(self, asking: Asking) -> Answered:
        """ApplyGuardrail: the same units without a model."""
        identifier, _, version = asking.identifier.partition("\0")
        guardrail = self._state.guardrails.find(identifier)
        if not guardrail.has(version):
            raise ServiceFailure("ResourceNotFoundException", f"The guardrail {identifier} has no version {version}.")
        body = self._checked("bedrock-runtime", "ApplyGuardrail", asking)
        texts = [str(block.get("text", {}).get("text", "")) for block in body["content"]]
        of_input = body["source"] == "INPUT"
        assessed = guardrail.assess(texts, sum(map(len, texts)), "input" if of_input else "output", version)
        outputs = [without_masked(text, assessed.masks) for text in texts] if assessed.masks else []
        if assessed.blocked:
            outputs = [guardrail.config["blockedInputMessaging" if of_input else "blockedOutputsMessaging"]]
        return 200, {
            "usage": assessed.usage,
            "action": "GUARDRAIL_INTERVENED" if assessed.intervened else "NONE",
            "actionReason": assessed.reason,
            "outputs": [{"text": text} for text in outputs],
            "assessments": [assessed.assessment],
            "guardrailCoverage": assessed.assessment["invocationMetrics"]["guardrailCoverage"],
        }

    def _retention(self, asking: Asking) -> Answered:
        retention, place = self._state.retention, SettingPlace(RUNTIME, asking.caller.account, asking.caller.region)
        when = {"updatedAt": instant(retention.chosen[place][1])} if place in retention.chosen else {}
        return 200, {"mode": retention.mode(place), **when}

    def _retain(self, asking: Asking) -> Answered:
        mode = object_of(asking.body).get("mode")
        self._state.retention.choose(
            SettingPlace(RUNTIME, asking.caller.account, asking.caller.region), mode, self._now
        )
        return self._retention(asking)

    def _customize(self, asking: Asking) -> Answered:
        body = self._checked("bedrock", "CreateModelCustomizationJob", asking)
        job = self._state.customizations.create(body, asking.caller, self._now, self._prompts(body))
        return 201, {"jobArn": job.arn}

    def _prompts(self, body: Json) -> int | None:
        """How many lines the training data has; None where the endpoint has no S3 to look into."""
        if self._state.s3_url is None:
            return None
        bucket, key = bucket_and_key(body["trainingDataConfig"]["s3Uri"])
        content = io.BytesIO()
        try:
            S3(self._state.s3_url).read(bucket, key, content)
        except Exception as error:
            raise invalid(f"The training data could not be read: {error}") from error
        return sum(1 for line in content.getvalue().splitlines() if line.strip())

    def _customization(self, asking: Asking) -> Answered:
        customizations = self._state.customizations
        return 200, customizations.described(customizations.find(asking.identifier), self._now)

    def _stop(self, asking: Asking) -> Answered:
        job = self._state.customizations.find(asking.identifier)
        if job.status(self._now) != "InProgress":
            raise ServiceFailure("ConflictException", f"The job is {job.status(self._now)}.")
        job.stopped_at = self._now
        return 200, {}

    def _models(self, asking: Asking) -> Answered:
        rows = [row for row in self._state.customizations.models(self._now) if _named(row["modelName"], asking)]
        return 200, page_of(rows, "modelSummaries", asking.query)

    def _model(self, asking: Asking) -> Answered:
        return 200, self._state.customizations.model(asking.identifier, self._now)

    def _delete_model(self, asking: Asking) -> Answered:
        self._state.customizations.delete_model(asking.identifier, self._now)
        return 200, {}

    def _deploy(self, asking: Asking) -> Answered:
        body = self._checked("bedrock", "CreateCustomModelDeployment", asking)
        return 202, {"customModelDeploymentArn": self._state.customizations.deploy(body, asking.caller, self._now)}

    def _deployments(self, asking: Asking) -> Answered:
        deployments = self._state.customizations.deployments.values()
        rows = [row for row in deployments if _named(row["customModelDeploymentName"], asking)]
        return 200, page_of(rows, "modelDeploymentSummaries", asking.query)

    def _deployment(self, asking: Asking) -> Answered:
        return 200, self._state.customizations.deployment(asking.identifier)

    def _undeploy(self, asking: Asking) -> Answered:
        self._state.customizations.undeploy(asking.identifier)
        return 200, {}

    @property
    def _now(self) -> float:
        return self._state.clock.now()

    def _checked(self, service: str, operation: str, asking: Asking) -> Json:
        if operation not in self._checkers:
            self._checkers[operation] = body_checker(service_model(service), operation)
        body = object_of(asking.body or b"{}")
        self._checkers[operation](body)
        return body


def _named(name: str, asking: Asking) -> bool:
    return asking.query.get("nameContains", "") in name


def reranked(body: Json) -> Json:
    """The reply to a body that has the shape of the operation. Raises ServiceFailure."""
    config = body["rerankingConfiguration"]["bedrockRerankingConfiguration"]
    model = embedding_model(config["modelConfiguration"]["modelArn"])
    if model is None or model.form != "rerank":
        raise invalid("The provided model identifier is invalid.")
    documents = [source["inlineDocumentSource"] for source in body["sources"]]
    cohere_body: Json = {
        "query": body["queries"][0]["textQuery"].get("text"),
        "documents": [_text(document) for document in documents],
        "top_n": config.get("numberOfResults"),
    }
    scores, _ = answer_embedding(model, cohere_body, "")
    return {
        "results": [
            {"index": row["index"], "relevanceScore": row["relevance_score"], "document": documents[row["index"]]}
            for row in scores["results"]
        ]
    }


def _text(document: Json) -> str:
    if document["type"] == "JSON":
        return msgspec.json.encode(document.get("jsonDocument")).decode()
    inline: Json = document.get("textDocument") or {}
    return str(inline.get("text", ""))
