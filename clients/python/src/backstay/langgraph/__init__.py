"""A checkpointer for LangGraph that keeps threads at a Backstay server. Needs the extra `backstay[langgraph]`."""

from backstay.langgraph.losses import WriteBehindError
from backstay.langgraph.saver import BackstaySaver

__all__ = ["BackstaySaver", "WriteBehindError"]
