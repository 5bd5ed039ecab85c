"""The fields of a RayService (ray.io/v1) that the manifest uses, by the names of KubeRay's API reference.

https://ray-project.github.io/kuberay/reference/api/ . Strict, so that a misspelt field is found without a cluster;
the API server would drop it. Pods and all that is Kubernetes' own are checked against Kubernetes' schema.
"""

from typing import Any, Literal

import kubernetes_validate
from pydantic import BaseModel, ConfigDict, Field, model_validator

KUBERNETES = "1.34"


def check_resource(resource: dict[str, Any]) -> None:
    """Check one resource of Kubernetes' own; raises with the fault's place."""
    kubernetes_validate.validate(resource, KUBERNETES, strict=True)


class Part(BaseModel):
    """A part of the manifest that knows all its fields."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Reference(Part):
    """Where a secret value comes from."""

    secretKeyRef: dict[Literal["name", "key"], str]


class Credential(Part):
    """A RedisCredential."""

    valueFrom: Reference


class FaultTolerance(Part):
    """GcsFaultToleranceOptions."""

    redisAddress: str = Field(pattern=r"^[a-z0-9.-]+:\d+$")
    redisPassword: Credential


class Autoscaler(Part):
    """AutoscalerOptions."""

    upscalingMode: Literal["Default", "Aggressive", "Conservative"]
    idleTimeoutSeconds: int = Field(gt=0)
    resources: dict[Literal["requests", "limits"], dict[str, str]]


class Authentication(Part):
    """AuthOptions."""

    mode: Literal["disabled", "token"]


class Group(Part):
    """What HeadGroupSpec and WorkerGroupSpec share."""

    rayStartParams: dict[str, str]
    template: dict[Literal["metadata", "spec"], dict[str, Any]]

    @model_validator(mode="after")
    def _is_a_pod(self) -> "Group":
        check_resource({"apiVersion": "v1", "kind": "Pod"} | {str(key): value for key, value in self.template.items()})
        return self


class Workers(Group):
    """WorkerGroupSpec."""

    groupName: str
    replicas: int
    minReplicas: int
    maxReplicas: int

    @model_validator(mode="after")
    def _ordered(self) -> "Workers":
        if not self.minReplicas <= self.replicas <= self.maxReplicas:
            raise ValueError("minReplicas <= replicas <= maxReplicas must hold")
        return self


class Cluster(Part):
    """RayClusterSpec."""

    rayVersion: str
    authOptions: Authentication
    gcsFaultToleranceOptions: FaultTolerance
    enableInTreeAutoscaling: bool
    autoscalerOptions: Autoscaler
    headGroupSpec: Group
    workerGroupSpecs: list[Workers] = Field(min_length=1)


class Upgrade(Part):
    """RayServiceUpgradeStrategy."""

    type: Literal["NewCluster", "NewClusterWithIncrementalUpgrade", "None"]


class ServiceSpec(Part):
    """RayServiceSpec."""

    upgradeStrategy: Upgrade
    rayClusterDeletionDelaySeconds: int = Field(ge=0)
    excludeHeadPodFromServeSvc: bool
    serveConfigV2: str
    rayClusterConfig: Cluster


class RayService(Part):
    """The resource."""

    apiVersion: Literal["ray.io/v1"]
    kind: Literal["RayService"]
    metadata: dict[str, Any]
    spec: ServiceSpec
