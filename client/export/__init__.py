"""From a platform's served record to bundles that other runtimes list from: ONNX, torch.export, item vectors."""
