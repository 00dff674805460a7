import torch
from threadpoolctl import threadpool_info

from snn2chip.threads import one_thread


def numbers():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_one_thread_ends_with_its_context():
    before = (torch.get_num_threads(), numbers())
    with one_thread():
        assert torch.get_num_threads() == 1
        assert numbers() <= {1}
    assert (torch.get_num_threads(), numbers()) == before
