"""From a platform's served record to the catalogue pack that its devices get."""
