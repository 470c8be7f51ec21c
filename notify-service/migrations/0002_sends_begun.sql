-- sends.begun: how often the message has been begun to be sent. Whoever begins writes it here, so that of a beginning and a claim at once, on
-- two nodes of a cluster, one fails. What was there before counts as not begun: the next beginning writes another number.
ALTER TABLE sends ADD COLUMN begun BIGINT NOT NULL DEFAULT 0;
