// k6's open model: a constant arrival rate, whatever the answers. Settings come by environment.
import http from 'k6/http';

const body = open(__ENV.BODY, 'b');
const headers = { 'Content-Type': 'image/png' };

export const options = {
  discardResponseBodies: true,
  summaryTrendStats: ['count', 'p(50)', 'p(90)', 'p(99)', 'max'],
  scenarios: {
    open: {
      executor: 'constant-arrival-rate',
      rate: Number(__ENV.RATE),
      timeUnit: '1s',
      duration: `${__ENV.SECONDS}s`,
      preAllocatedVUs: Math.max(50, Number(__ENV.RATE) / 2),
      maxVUs: 2 * Math.max(50, Number(__ENV.RATE)),
    },
  },
};

export default function () {
  http.post(__ENV.URL, body, { headers });
}

export function handleSummary(data) {
  return { [__ENV.SUMMARY]: JSON.stringify(data.metrics) };
}
