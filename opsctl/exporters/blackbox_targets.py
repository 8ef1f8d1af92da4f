"""Whom the modules of `blackbox` ask, as a file for Prometheus' `file_sd_configs`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.exporters import Exported, Lost
from opsctl.exporters.blackbox import UnsaidError, make

if TYPE_CHECKING:
    from opsctl.exporters import Chosen

_HEAD = """\
# For a job of Prometheus:
#   metrics_path: /probe
#   file_sd_configs: [{files: [this file]}]
#   relabel_configs:
#     - {source_labels: [__address__], target_label: __param_target}
#     - {source_labels: [__param_target], target_label: instance}
#     - {target_label: __address__, replacement: "127.0.0.1:9115"}
"""


def export(chosen: Chosen) -> Exported:
    """A target for each check that has a module; what a module loses is told with the modules."""
    groups, lost = list[dict[str, Any]](), list[Lost]()
    for service, check in chosen:
        try:
            target = make(check).target
        except UnsaidError as error:
            lost.append(Lost(check.name, check.type, str(error)))
            continue
        labels = {
            "__param_module": check.name,
            "check": check.name,
            "service": service.id,
            "tier": service.tier,
        }
        more = {"tier": service.tier, **({"owner": service.owner} if service.owner else {})}
        groups.append({"targets": [target], "labels": labels | more})
    return Exported(groups, tuple(lost), _HEAD)
