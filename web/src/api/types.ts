import type { components, paths } from './schema';

/** The API's shapes under the names the page uses, all taken from the OpenAPI document. */

type JsonOf<P extends keyof paths, M extends 'get' | 'post'> = paths[P] extends {
  [K in M]: { responses: { 200: { content: { 'application/json': infer Body } } } };
}
  ? Body
  : never;

export type Session = JsonOf<'/api/session', 'get'>;
export type Health = JsonOf<'/api/monitoring/health', 'get'>;
export type HealthCheck = Health['checks'][string];
export type HealthStatus = Health['status'];
export type Metrics = JsonOf<'/api/monitoring/metrics', 'get'>;
export type SystemMetrics = NonNullable<Metrics['system']>;
export type Performance = JsonOf<'/api/monitoring/performance', 'get'>;
/** As the list has it: with what keeps it from being told. */
export type ListedAlert = JsonOf<'/api/monitoring/alerts', 'get'>[number];
export type Severity = ListedAlert['severity'];
export type AlertStatus = ListedAlert['status'];

type Schemas = components['schemas'];

/** As the live stream has it, which does not know what keeps it from being told. */
export type Alert = Schemas['AlertBody'];
export type Mute = Schemas['MuteBody'];

/** A number as the API tells it where JSON has none for it. */
export type Exact = number | 'NaN' | 'Infinity' | '-Infinity';
export type AlertDetail = Schemas['AlertDetailBody'];
export type Transition = Schemas['TransitionBody'];
export type Moment = Schemas['MomentBody'];
export type Delivery = Schemas['DeliveryBody'];
export type EvidenceSeries = Schemas['EvidenceSeries'];
export type EvidenceSample = Schemas['EvidenceSample'];
export type RuleGroup = Schemas['RuleGroupBody'];
export type Rule = Schemas['RuleBody'];
export type GroupState = RuleGroup['status']['state'];
export type Explanation = Schemas['ExplainBody'];
export type Verdict = Schemas['VerdictBody'];
export type Reason = Schemas['ReasonBody'];
export type ExplainNode = Schemas['NodeBody'];
export type BacktestRequest = Schemas['BacktestRequest'];
export type BacktestLine = Schemas['BacktestLine'];
export type BacktestTransition = Schemas['BacktestTransition'];
export type BacktestNotification = Schemas['BacktestNotification'];
export type BacktestFailure = Schemas['BacktestFailure'];
export type BacktestSummary = Schemas['BacktestSummary'];
export type FiringChange = Schemas['FiringChange'];
export type Silence = Schemas['SilenceBody'];
export type SilenceRequest = Schemas['SilenceRequest'];
export type Matcher = Schemas['MatcherBody'];
export type Receiver = Schemas['ReceiverBody'];
export type Destination = Schemas['DestinationBody'];
export type TestOutcome = Schemas['TestBody'];
