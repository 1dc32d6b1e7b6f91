"""The same with a message for every device."""

from benchmarks.devices.peers.graft import MESSAGES, train

if __name__ == "__main__":
    train(MESSAGES)
