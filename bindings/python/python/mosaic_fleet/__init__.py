"""Run a durable fleet of AI coding agents, and deliver messages to them that you can trust.

    async with Fleet.open() as fleet:
        receipt = await fleet.send("coder0", "run the tests")
        print(receipt.verdict, receipt.evidence)
        async for piece in fleet.follow("coder0"):
            print(*piece.lines, sep="\\n")
"""

from . import answers, errors, fleet, texts, transport, work
from ._wire import Span
from .answers import *  # noqa: F403
from .errors import *  # noqa: F403
from .fleet import *  # noqa: F403
from .texts import *  # noqa: F403
from .transport import *  # noqa: F403
from .work import *  # noqa: F403

__all__ = ["Span"]
__all__ += answers.__all__
__all__ += errors.__all__
__all__ += fleet.__all__
__all__ += texts.__all__
__all__ += transport.__all__
__all__ += work.__all__
