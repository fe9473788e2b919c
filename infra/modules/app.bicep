// The function app on Flex Consumption. Its identity opens everything it uses; no setting holds a secret.
@description('What makes the names unique.')
param token string
@description('Azure region.')
param location string
@description('Tags of everything.')
param tags object
@description('The identity: its resource.')
param identityId string
@description('The identity: the id that credentials ask for.')
param identityClientId string
@description('Where blobs are.')
param blobEndpoint string
@description('Where queues are.')
param queueEndpoint string
@description('Where tables are.')
param tableEndpoint string
@description('The container that the deployed package lies in.')
param packageContainer string
@description('Where secrets are.')
param vaultUri string
@description('The Application Insights component, in this resource group.')
param insightsName string
@description('The Log Analytics workspace.')
param workspaceId string
@description('Memory of one instance in MB.')
param instanceMemoryMB int
@description('How many captures one instance handles at a time.')
param httpConcurrency int
@description('At most so many instances.')
param maximumInstanceCount int
@description('Instances that are kept warm for captures.')
param alwaysReadyInstances int
@description('Instances in several zones.')
param zoneRedundant bool
@description('How many requests for bulk work one connection has in flight at most.')
param bulkAtOnceMost int
@description('Client id of an Entra app registration; empty: no sign-in.')
param signInClientId string
@description('Whether traces and metrics are sent by OpenTelemetry.')
param tracing bool
@description('App settings that shall differ.')
param otherSettings object

// All HTTP functions share instances, and `http` is what the platform calls them; each queue or timer has its own.
var warmForCaptures = [
  {
    name: 'http'
    instanceCount: alwaysReadyInstances
  }
]

// Both ends speak OpenTelemetry, or neither: the host then no longer hands on what the app logs, the app sends it.
var hostTraces = {
  AzureFunctionsJobHost__telemetryMode: 'OpenTelemetry'
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: 'plan-captello-${token}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
    zoneRedundant: zoneRedundant
  }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: 'func-captello-${token}'
  location: location
  // azd finds the app that it deploys to by this tag.
  tags: union(tags, {
    'azd-service-name': 'api'
  })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientAffinityEnabled: false
    publicNetworkAccess: 'Enabled'
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${blobEndpoint}${packageContainer}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      // The version that infra/package makes wheels and bytecode for.
      runtime: {
        name: 'python'
        version: '3.13'
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: alwaysReadyInstances > 0 ? warmForCaptures : []
        // Said here, not left to the platform: for Python it takes one request at a time unless told otherwise.
        triggers: {
          http: {
            perInstanceConcurrency: httpConcurrency
          }
        }
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      http20Enabled: true
      ftpsState: 'Disabled'
    }
  }
}

// Who deploys signs in with Entra; user names with passwords are off.
resource noFtpPasswords 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'ftp'
  properties: {
    allow: false
  }
}

resource noPasswords 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'scm'
  properties: {
    allow: false
  }
}

// What core/settings.py reads, and what the host needs besides; a test compares. DYNAMICS_ALLOWED_ORIGINS and
// KEY_VAULT_VERIFY_CHALLENGE are for simulators, and stay out. A deployment replaces the whole set.
resource settings 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: app
  name: 'appsettings'
  properties: union({
    AzureWebJobsStorage__credential: 'managedidentity'
    AzureWebJobsStorage__clientId: identityClientId
    AzureWebJobsStorage__blobServiceUri: blobEndpoint
    AzureWebJobsStorage__queueServiceUri: queueEndpoint
    AzureWebJobsStorage__tableServiceUri: tableEndpoint
    APPLICATIONINSIGHTS_CONNECTION_STRING: insights.properties.ConnectionString
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
    AZURE_CLIENT_ID: identityClientId
    AZURE_AUTHORITY_HOST: environment().authentication.loginEndpoint
    KEY_VAULT_URL: vaultUri
    WAKE_SCHEDULE: '0 * * * * *'
    CAPTURE_DEADLINE_SECONDS: '8'
    DELIVERY_GRACE_SECONDS: '30'
    BULK_AT_ONCE_MOST: string(bulkAtOnceMost)
    PYTHON_ENABLE_OPENTELEMETRY: tracing ? 'true' : 'false'
    RETENTION_LOG_DAYS: '365'
    RETENTION_DELIVERIES_DAYS: '90'
    RETENTION_WAITING_DAYS: '90'
    RETENTION_QUARANTINE_DAYS: '90'
    RETENTION_BULK_DAYS: '30'
    RETENTION_REPLAYS_DAYS: '90'
    RETENTION_AUDIT_DAYS: '365'
  }, tracing ? hostTraces : {}, otherSettings)
}

// Optional sign-in in front of API and console. Captures stay open to Captello, which has a key and no Entra account.
resource signIn 'Microsoft.Web/sites/config@2025-03-01' = if (!empty(signInClientId)) {
  parent: app
  name: 'authsettingsV2'
  properties: {
    platform: {
      enabled: true
    }
    globalValidation: {
      requireAuthentication: true
      unauthenticatedClientAction: 'RedirectToLoginPage'
      redirectToProvider: 'azureactivedirectory'
      excludedPaths: [
        '/api/capture/*'
      ]
    }
    httpSettings: {
      requireHttps: true
    }
    identityProviders: {
      azureActiveDirectory: {
        enabled: true
        registration: {
          clientId: signInClientId
          openIdIssuer: '${environment().authentication.loginEndpoint}${subscription().tenantId}/v2.0'
        }
        validation: {
          allowedAudiences: [
            signInClientId
            'api://${signInClientId}'
          ]
        }
      }
    }
    login: {
      // Nobody's tokens are needed after the sign-in, so none are kept.
      tokenStore: {
        enabled: false
      }
    }
  }
}

resource platformMetrics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-workspace'
  scope: app
  properties: {
    workspaceId: workspaceId
    metrics: [
      {
        category: 'AllMetrics'
        enabled: true
      }
    ]
  }
}

@description('The function app.')
output name string = app.name
@description('Its host name.')
output hostName string = app.properties.defaultHostName
