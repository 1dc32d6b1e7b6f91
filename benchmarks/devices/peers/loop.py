"""A sequential loop: one module, one device after the other."""

import torch

from benchmarks.devices.local_steps import flat_of, module_of, train_on_device
from benchmarks.devices.peer_run import PeerRun


def main() -> None:
    """Train all rounds of the course."""
    run = PeerRun.from_arguments()
    torch.set_num_threads(1)
    course = run.course
    features = torch.from_numpy(course.features.copy())
    module = module_of(course.settings.preset, features.shape[1], course.initial)
    parameters = [value.detach() for value in module.parameters()]
    run.begin()
    for cohort, negatives in zip(course.cohorts, course.negatives, strict=True):
        received = [value.clone() for value in parameters]
        total = [torch.zeros_like(value) for value in parameters]
        drawn = torch.from_numpy(negatives.copy())
        for device in cohort:
            events = torch.from_numpy(course.events(device, module.length))
            train_on_device(module, features, events, drawn, course.settings.learning_rate)
            torch._foreach_add_(total, parameters)
            torch._foreach_sub_(total, received)
            torch._foreach_copy_(parameters, received)
        torch._foreach_add_(parameters, total, alpha=course.settings.server_learning_rate / len(cohort))
        run.end_round()
    run.finish(flat_of(parameters), ())


if __name__ == "__main__":
    main()
