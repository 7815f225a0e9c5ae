"""The MerchantRoute operator: one resource in, queues, workers and their scale out."""
