"""What Prometheus would read of figures."""

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from shared.system.metrics_port import Figures


def samples(figures: Figures) -> dict[str, float]:
    """NAME or NAME LABEL=VALUE to the number, as it stands in the text that is served."""
    registry = CollectorRegistry()
    registry.register(figures)
    families = text_string_to_metric_families(generate_latest(registry).decode("utf-8"))
    return {
        " ".join([one.name, *(f"{name}={value}" for name, value in one.labels.items())]): one.value
        for family in families
        for one in family.samples
    }
