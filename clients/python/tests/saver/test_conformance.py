"""The conformance suite of LangGraph, over the asynchronous and the synchronous methods, in every mode.

The suite tests eight capabilities; the ninth, the history of delta channels, is tested in `test_history.py`.
"""

import pytest
from langgraph.checkpoint.conformance import checkpointer_test, validate
from langgraph.checkpoint.conformance.capabilities import ALL_CAPABILITIES

from backstay.langgraph import BackstaySaver


class SynchronousTwin(BackstaySaver):
    """A saver whose asynchronous methods are the synchronous ones."""

    async def aget_tuple(self, config):
        return self.get_tuple(config)

    async def alist(self, config, **selection):
        for each in self.list(config, **selection):
            yield each

    async def aput(self, *arguments):
        return self.put(*arguments)

    async def aput_writes(self, *arguments, **more):
        self.put_writes(*arguments, **more)

    async def adelete_thread(self, thread_id):
        self.delete_thread(thread_id)

    async def adelete_for_runs(self, run_ids):
        self.delete_for_runs(run_ids)

    async def acopy_thread(self, *threads):
        self.copy_thread(*threads)

    async def aprune(self, thread_ids, **strategy):
        self.prune(thread_ids, **strategy)


@pytest.mark.parametrize("kind", [BackstaySaver, SynchronousTwin])
@pytest.mark.parametrize("read_cache", ["validated", "exclusive", "off"])
@pytest.mark.parametrize("write", ["through", "behind"])
async def test_conformance(server, kind, write, read_cache):
    @checkpointer_test(name=f"{kind.__name__} {write} {read_cache}")
    async def registered():
        async with kind.from_conn_string(server.url, token=server.token, write=write, read_cache=read_cache) as saver:
            yield saver

    report = await validate(registered)
    assert sum(result.tests_passed for result in report.results.values()) > 50
    failures = {name: result.failures for name, result in report.results.items() if result.failures}
    assert failures == {}
    assert {name for name, result in report.results.items() if result.passed} == {
        each.value for each in ALL_CAPABILITIES
    }
