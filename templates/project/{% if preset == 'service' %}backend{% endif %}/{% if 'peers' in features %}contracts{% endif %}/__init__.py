"""What other services of ours take and answer: made from their API documents, as README.md says."""
