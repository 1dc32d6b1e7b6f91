"""The same with updates of low rank."""

from benchmarks.devices.peers.graft import LOW_RANK, train

if __name__ == "__main__":
    train(LOW_RANK)
