"""What metrics libraries hold of calls, summed."""


def of_registry(registry, name, **labels):
    """Sum of a Prometheus counter over the samples with these labels."""
    return sum(
        sample.value
        for family in registry.collect()
        for sample in family.samples
        if sample.name == f"rockbottom_{name}_total" and labels.items() <= sample.labels.items()
    )


def of_telemetry(reader, name, kind=None):
    """Sum of an OpenTelemetry counter; a reader gives its cumulative state each time."""
    return sum(
        point.value
        for resource in reader.get_metrics_data().resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == name
        for point in metric.data.data_points
        if kind in (None, point.attributes.get("rockbottom.token.kind"))
    )
