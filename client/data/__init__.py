"""Reading, checking, preparing and splitting a platform's folder."""
