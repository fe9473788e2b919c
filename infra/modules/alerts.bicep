// What somebody has to be told. Each rule asks the workspace a query of infra/queries, so that who gets an alert can run
// the same query by hand. README.md, "Runbook", says what to do about each.
@description('What makes the names unique.')
param token string
@description('Azure region.')
param location string
@description('Tags of everything.')
param tags object
@description('The Log Analytics workspace.')
param workspaceId string
@description('Who gets an e-mail; empty: nobody.')
param email string

// Every five minutes each query is asked about its window; `rows` is how many answers are still fine (for `silence`: how
// many there have to be), `periods` how many times in a row it must be wrong, `by` the column whose values are told one
// from the other: a connection that has long been paused must not hide the next one.
var rules = [
  {
    name: 'failures'
    description: 'The service itself fails: a bug, or storage or Key Vault cannot be reached.'
    query: loadTextContent('../queries/failures.kql')
    severity: 1
    window: 'PT15M'
    operator: 'GreaterThan'
    rows: 5
    periods: 1
    by: ''
  }
  {
    name: 'failed'
    description: 'Deliveries ended as failed: Dynamics refused them, or a mapping or action cannot be carried out.'
    query: loadTextContent('../queries/failed-deliveries.kql')
    severity: 2
    window: 'PT15M'
    operator: 'GreaterThan'
    rows: 0
    periods: 1
    by: ''
  }
  {
    name: 'poison'
    description: 'A message was given up after five tries. Deliveries themselves are safe in the table SyncState.'
    query: loadTextContent('../queries/poison.kql')
    severity: 2
    window: 'PT15M'
    operator: 'GreaterThan'
    rows: 0
    periods: 1
    by: ''
  }
  {
    name: 'backlog'
    description: 'Deliveries that were due lie unfinished, look after look, for a quarter of an hour.'
    query: loadTextContent('../queries/backlog.kql')
    severity: 2
    window: 'PT5M'
    operator: 'GreaterThan'
    rows: 0
    periods: 3
    by: ''
  }
  {
    name: 'queue-age'
    description: 'Captures or bulk work of a connection lie undone for a quarter of an hour: Dynamics is down or limits us, or a queue is read by nobody.'
    query: loadTextContent('../queries/queue-age.kql')
    severity: 1
    window: 'PT5M'
    operator: 'GreaterThan'
    rows: 0
    periods: 1
    by: 'Connection'
  }
  {
    name: 'silence'
    description: 'The timer that finds forgotten work has not run: the app is down, or the daily log quota is used up.'
    query: loadTextContent('../queries/timer-runs.kql')
    severity: 1
    window: 'PT15M'
    operator: 'LessThan'
    rows: 1
    periods: 1
    by: ''
  }
  {
    name: 'paused'
    description: 'A connection is paused and its captures wait until somebody has mended what Dynamics or Entra say.'
    query: loadTextContent('../queries/paused-connections.kql')
    severity: 1
    window: 'PT15M'
    operator: 'GreaterThan'
    rows: 0
    periods: 1
    by: 'Connection'
  }
  {
    name: 'expiring'
    description: 'The secret or certificate of a connection ends soon. Said at 30, 14, 7 days and 1 day.'
    query: loadTextContent('../queries/expiring-secrets.kql')
    severity: 3
    window: 'PT15M'
    operator: 'GreaterThan'
    rows: 0
    periods: 1
    by: 'Connection'
  }
]

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(email)) {
  name: 'ag-captello-${token}'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'captello'
    enabled: true
    emailReceivers: [
      {
        name: 'operator'
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}

resource alert 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [for rule in rules: {
  name: 'alert-captello-${rule.name}-${token}'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'Captello: ${rule.name}'
    description: rule.description
    severity: rule.severity
    enabled: true
    scopes: [
      workspaceId
    ]
    evaluationFrequency: 'PT5M'
    windowSize: rule.window
    autoMitigate: true
    // A new workspace has no tables yet, and a query over a missing one would be refused.
    skipQueryValidation: true
    criteria: {
      allOf: [
        {
          query: rule.query
          timeAggregation: 'Count'
          operator: rule.operator
          threshold: rule.rows
          dimensions: empty(rule.by) ? [] : [
            {
              name: rule.by
              operator: 'Include'
              values: [
                '*'
              ]
            }
          ]
          failingPeriods: {
            numberOfEvaluationPeriods: rule.periods
            minFailingPeriodsToAlert: rule.periods
          }
        }
      ]
    }
    actions: {
      actionGroups: empty(email) ? [] : [
        people.id
      ]
    }
  }
}]
