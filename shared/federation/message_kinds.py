"""Every kind of task that a coordinator sends, and every kind of answer to one."""

from shared.federation.messages import (
    CrossReply,
    CrossTask,
    Declined,
    EvaluateReply,
    EvaluateTask,
    Failed,
    MomentsReply,
    MomentsTask,
    TrainReply,
    TrainTask,
)
from shared.federation.sum_messages import SumReply, SumTask

Task = MomentsTask | CrossTask | TrainTask | EvaluateTask | SumTask
Reply = MomentsReply | CrossReply | TrainReply | EvaluateReply | SumReply | Declined | Failed
