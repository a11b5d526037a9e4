mod limiter;
